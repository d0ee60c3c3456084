"""Jobs: submitted, listed, stopped."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from app.api.routes.caching import FRESH
from app.studio.errors import NotFound
from app.studio.queue import Job
from app.studio.service import Studio
from pipelines.draft import Draft

_DRAFT_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": Draft.model_json_schema()}},
    }
}


def add(router: APIRouter, studio: Studio) -> None:
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
        return Response(jpeg, 200, FRESH, "image/jpeg")
