"""Pictures brought in: kept and shown again, or read for their settings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from app.api.routes.caching import FOREVER
from app.studio.assets import Asset
from app.studio.reuse import Reused
from app.studio.service import Studio


def _body(*kinds: str) -> dict[str, Any]:
    file = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": {f"image/{kind}": file for kind in kinds}}}


def add(router: APIRouter, studio: Studio) -> None:
    @router.post(
        "/assets", status_code=201, openapi_extra=_body("png", "jpeg", "webp", "gif", "bmp")
    )
    async def bring(request: Request) -> dict[str, Any]:
        """Keep a picture; the file is the body.

        It becomes an upright 8-bit sRGB PNG, with its alpha and without its metadata. The same
        pixels have the same id; `notices` are sentences on what was passed over.
        """
        added = await run_in_threadpool(studio.assets.add, await request.body())
        return {**asdict(added.asset), "notices": added.notices}

    @router.get("/assets/{asset}.png", response_class=FileResponse)
    def file(asset: str) -> FileResponse:
        """The picture as it is kept."""
        return FileResponse(studio.assets.path(asset), 200, FOREVER, "image/png")

    @router.get("/assets/{asset}/thumbnail", response_class=FileResponse)
    def thumbnail(asset: str) -> FileResponse:
        """A JPEG at most 384 pixels wide and high, on white."""
        return FileResponse(studio.assets.thumbnail(asset), 200, FOREVER, "image/jpeg")

    @router.get("/assets/{asset}")
    def asset(asset: str) -> Asset:
        """Size and alpha of a picture that is kept."""
        return studio.assets.info(asset)

    @router.post("/reuse", openapi_extra=_body("png", "jpeg", "webp"))
    async def reuse(request: Request) -> dict[str, Any]:
        """The settings in a picture of Gesso or another app, as a draft, and what differs here.

        The picture is the body; no pixel of it is decoded and nothing is kept.
        """
        return _told(await run_in_threadpool(studio.reuse, await request.body()))

    @router.get("/pictures/{picture}/reuse")
    def reuse_picture(picture: str) -> dict[str, Any]:
        """The same for a picture made here."""
        return _told(studio.reuse_picture(picture))


def _told(reused: Reused) -> dict[str, Any]:
    return {
        "source": reused.source,
        "values": reused.draft.model_dump(mode="json", exclude_unset=True),
        "differences": reused.differences,
    }
