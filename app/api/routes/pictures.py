"""Pictures: listed, shown, downloaded, and read for their settings."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from app.api.routes.caching import FOREVER
from app.studio.gallery import PICTURE_ID, PictureInfo
from app.studio.service import Studio
from pipelines.recipe import Recipe

_PICTURE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("image/png", "image/jpeg", "image/webp")
        },
    }
}


def add(router: APIRouter, studio: Studio) -> None:
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
        return FileResponse(studio.picture_path(picture), 200, FOREVER, "image/png", filename=name)

    @router.get("/pictures/{picture}/thumbnail", response_class=FileResponse)
    def thumbnail(picture: str) -> FileResponse:
        """A JPEG at most 384 pixels wide and high."""
        return FileResponse(studio.thumbnail_path(picture), 200, FOREVER, "image/jpeg")

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
