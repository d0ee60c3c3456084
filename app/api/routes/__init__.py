"""The native API, under `/api/v1`. One file here is one group of routes."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from app.api.events import EventStreams
from app.api.routes import facts, jobs, pictures
from app.api.routes.caching import FRESH
from app.studio.service import Studio

PREFIX = "/api/v1"

GROUPS = (jobs, pictures, facts)


def routes(studio: Studio, streams: EventStreams) -> APIRouter:
    """All routes of the API."""
    router = APIRouter(prefix=PREFIX)
    for group in GROUPS:
        group.add(router, studio)

    @router.get("/events", response_class=StreamingResponse)
    async def events() -> StreamingResponse:
        """Whole snapshots as server-sent events, at most ten a second."""
        return StreamingResponse(streams.stream(), 200, FRESH, "text/event-stream")

    return router
