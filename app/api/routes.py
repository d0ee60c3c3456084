"""The native API, under `/api/v1`: jobs, events, pictures, choices, schema."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, StreamingResponse

from app.api.events import EventStreams
from app.studio.errors import NotFound
from app.studio.gallery import PICTURE_ID, PictureInfo
from app.studio.queue import Job
from app.studio.service import Studio
from pipelines.draft import Choice, Draft
from pipelines.recipe import Recipe

PREFIX = "/api/v1"

_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""A picture never changes under its id."""

_FRESH = {"Cache-Control": "no-store"}

_DRAFT_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": Draft.model_json_schema()}},
    }
}

_PICTURE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("image/png", "image/jpeg", "image/webp")
        },
    }
}


def routes(studio: Studio, streams: EventStreams) -> APIRouter:
    """All routes of the API."""
    router = APIRouter(prefix=PREFIX)
    _jobs(router, studio)
    _pictures(router, studio)
    _facts(router, studio)

    @router.get("/events", response_class=StreamingResponse)
    async def events() -> StreamingResponse:
        """Whole snapshots as server-sent events, at most ten a second."""
        return StreamingResponse(streams.stream(), 200, _FRESH, "text/event-stream")

    return router


def _jobs(router: APIRouter, studio: Studio) -> None:
    @router.post("/jobs", status_code=201, openapi_extra=_DRAFT_BODY)
    def submit(draft: dict[str, Any]) -> dict[str, str]:
        """Queue a draft; every field of it may be left out."""
        return {"id": studio.submit(Draft.of(draft)).id}

    @router.get("/jobs")
    def jobs() -> list[Job]:
        """The newest jobs, newest first."""
        return studio.jobs()

    @router.get("/jobs/{job}")
    def job(job: str) -> Job:
        """One job."""
        return studio.job(job)

    @router.delete("/jobs/{job}")
    def stop(job: str) -> Job:
        """Stop a job. A job that is over stays as it is."""
        return studio.cancel(job)

    @router.get("/jobs/{job}/preview", response_class=Response)
    def preview(job: str) -> Response:
        """JPEG of the picture so far."""
        jpeg = studio.preview(job)
        if jpeg is None:
            raise NotFound("This job has no preview.", "Look at its pictures.")
        return Response(jpeg, 200, _FRESH, "image/jpeg")


def _pictures(router: APIRouter, studio: Studio) -> None:
    @router.get("/pictures")
    def pictures(
        limit: Annotated[int, Query(ge=1, le=500)] = 60,
        before: Annotated[str | None, Query(pattern=f"^{PICTURE_ID.pattern}$")] = None,
    ) -> list[PictureInfo]:
        """Finished pictures, newest first; with `before`, those older than that one."""
        return studio.pictures(limit, before)

    @router.get("/pictures/{picture}.png", response_class=FileResponse)
    def file(picture: str, download: bool = False) -> FileResponse:
        """The very bytes on disk, recipe included."""
        name = f"{picture}.png" if download else None
        return FileResponse(studio.picture_path(picture), 200, _FOREVER, "image/png", filename=name)

    @router.get("/pictures/{picture}/thumbnail", response_class=FileResponse)
    def thumbnail(picture: str) -> FileResponse:
        """A JPEG at most 384 pixels wide and high."""
        return FileResponse(studio.thumbnail_path(picture), 200, _FOREVER, "image/jpeg")

    @router.get("/pictures/{picture}/recipe")
    def recipe(picture: str) -> Recipe:
        """The recipe the picture carries."""
        return studio.recipe_of(picture)

    @router.post("/reuse", openapi_extra=_PICTURE_BODY)
    async def reuse(request: Request) -> dict[str, Any]:
        """The settings in a picture of Gesso or another app, as a draft, and what differs here.

        The picture is the body; no pixel of it is decoded and nothing is kept.
        """
        reused = await run_in_threadpool(studio.reuse, await request.body())
        return {
            "source": reused.source,
            "values": reused.draft.model_dump(mode="json", exclude_unset=True),
            "differences": reused.differences,
        }


def _facts(router: APIRouter, studio: Studio) -> None:
    @router.get("/choices")
    def choices() -> dict[str, Any]:
        """What a draft may choose from, with the files that are in the folders now."""
        studio.rescan()
        return {
            "checkpoints": [_checkpoint(choice) for choice in studio.catalog.checkpoints()],
            "samplers": [sampler.name for sampler in studio.catalog.samplers()],
            "schedules": [schedule.name for schedule in studio.catalog.schedules()],
        }

    @router.get("/schema")
    def schema() -> dict[str, Any]:
        """JSON schemas of what is asked and of what is decided."""
        return {"draft": Draft.model_json_schema(), "recipe": Recipe.model_json_schema()}

    @router.get("/health")
    def health() -> dict[str, Any]:
        """That the studio answers, and how its engine is."""
        return {"status": "ok", "engine": studio.engine()}


def _checkpoint(choice: Choice) -> dict[str, Any]:
    return {
        "name": choice.ref.name,
        "sha256": choice.ref.sha256,
        "family": choice.family.name,
        "label": choice.variant.label,
        "task": choice.variant.task,
        "sizes": [str(size) for size in choice.variant.sizes],
        "defaults": choice.variant.defaults.model_dump(),
    }
