"""The native API, under `/api/v1`. One file here is one group of routes."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from app.api.events import EventStreams
from app.api.routes import assets, engine, facts, jobs, models, pictures, presets, prompt, workspace
from app.api.routes.caching import FRESH
from app.api.routes.described import ERRORS, group_router, tag
from app.studio.service import Studio

PREFIX = "/api/v1"

GROUPS = (jobs, pictures, assets, models, engine, facts, prompt, presets, workspace)


def routes(studio: Studio, streams: EventStreams) -> APIRouter:
    """All routes of the API."""
    router = APIRouter(prefix=PREFIX, responses=ERRORS)
    for group in GROUPS:
        own = group_router(group)
        group.add(own, studio)
        router.include_router(own)

    @router.get("/events", tags=["events"], response_class=StreamingResponse)
    async def events() -> StreamingResponse:
        """Whole snapshots as server-sent events, at most ten a second."""
        return StreamingResponse(streams.stream(), 200, FRESH, "text/event-stream")

    return router


def tags() -> list[dict[str, str]]:
    """The groups and what they are about."""
    events = {"name": "events", "description": "What happens, as it happens."}
    return [*(tag(group) for group in GROUPS), events]
