"""The queue: jobs submitted, listed, stopped, moved, run again."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.routes.caching import FRESH
from app.api.routes.described import DRAFT_BODY
from app.studio.service import Studio
from pipelines.draft import Draft

View = dict[str, Any]


class Conversion(BaseModel):
    checkpoint: str


class Move(BaseModel):
    before: str | None


class Clear(BaseModel):
    what: Literal["waiting", "ended"]


def add(router: APIRouter, studio: Studio) -> None:
    _add_jobs(router, studio)
    _add_wishes(router, studio)
    _add_queue(router, studio)


def _add_jobs(router: APIRouter, studio: Studio) -> None:
    @router.post("/jobs", status_code=201, openapi_extra=DRAFT_BODY)
    def submit(draft: dict[str, Any], first: bool = False) -> dict[str, str]:
        """Queue a draft, last or `first`; every field of it may be left out."""
        return {"id": studio.submit(Draft.of(draft), first=first).id}

    @router.post("/jobs/convert", status_code=201)
    def convert(conversion: Conversion) -> dict[str, str]:
        """Queue the conversion of a pickled checkpoint to safetensors."""
        return {"id": studio.convert(conversion.checkpoint).id}

    @router.get("/jobs")
    def jobs() -> list[View]:
        """Running, waiting (200 at most), interrupted, and the newest ended ones."""
        return studio.job_views()

    @router.get("/jobs/{job}")
    def job(job: str) -> View:
        """One job."""
        return studio.job_view(job)

    @router.get("/jobs/{job}/progress")
    def progress(job: str) -> View:
        """How far a job is."""
        view = studio.job_view(job)
        names = ("id", "state", "position", "phase", "step", "steps", "fraction", "eta_seconds")
        return {name: view[name] for name in (*names, "loading", "preview", "stopping")}

    @router.get("/jobs/{job}/preview", response_class=Response)
    def preview(job: str) -> Response:
        """JPEG of the picture so far; nothing (204) once another job has begun."""
        studio.job(job)
        jpeg = studio.preview(job)
        if jpeg is None:
            return Response(status_code=204, headers=FRESH)
        return Response(jpeg, 200, FRESH, "image/jpeg")


def _add_wishes(router: APIRouter, studio: Studio) -> None:
    @router.delete("/jobs/{job}")
    def stop(job: str) -> View:
        """Stop a job now, or discard an interrupted one. A job that is over stays as it is."""
        return studio.job_view(studio.cancel(job).id)

    @router.post("/jobs/{job}/finish")
    def finish(job: str) -> View:
        """Stop a job after the picture it is at."""
        return studio.job_view(studio.finish(job).id)

    @router.post("/jobs/{job}/skip")
    def skip(job: str) -> View:
        """Drop the picture that a job is at, and go on with its next."""
        return studio.job_view(studio.skip(job).id)

    @router.post("/jobs/{job}/retry")
    def retry(job: str) -> View:
        """Run an ended job again: what is missing, or, as a new job, all of it."""
        return studio.job_view(studio.retry(job).id)

    @router.post("/jobs/{job}/move")
    def move(job: str, move: Move) -> View:
        """Let a waiting job run before another one, or, with null, last."""
        studio.move(job, move.before)
        return studio.job_view(job)


def _add_queue(router: APIRouter, studio: Studio) -> None:
    @router.post("/queue/pause")
    def pause() -> dict[str, bool]:
        """Begin no further job, now or after a restart."""
        studio.pause(True)
        return {"paused": True}

    @router.post("/queue/resume")
    def resume() -> dict[str, bool]:
        """Go on."""
        studio.pause(False)
        return {"paused": False}

    @router.post("/queue/clear")
    def clear(clear: Clear) -> View:
        """Cancel all that wait, or forget all that ended; pictures stay."""
        studio.clear(clear.what)
        return studio.list_snapshot()["queue"]
