"""Pictures: listed, searched, shown, downloaded, favoured, deleted and given back."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from app.api.routes.caching import FOREVER
from app.studio import gallery
from app.studio.gallery import PICTURE_ID, PictureInfo
from app.studio.service import Studio
from pipelines.errors import StudioError
from pipelines.picture import Facts
from pipelines.recipe import SEED_LIMIT, Recipe

AT_ONCE = 1000
"""Pictures that one request may delete or give back."""


class Pictures(BaseModel):
    """Ids of pictures."""

    ids: list[Annotated[str, Field(max_length=100)]] = Field(max_length=AT_ONCE)


def wanted(
    text: Annotated[str, Query(max_length=500)] = "",
    checkpoint: Annotated[str | None, Query(max_length=512)] = None,
    seed: Annotated[int | None, Query(ge=0, lt=SEED_LIMIT)] = None,
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
    favourite: bool = False,
) -> gallery.Query:
    """The filters of a list, as parameters."""
    return gallery.Query(text, checkpoint, seed, since, until, favourite)


Wanted = Annotated[gallery.Query, Depends(wanted)]


def add(router: APIRouter, studio: Studio) -> None:
    _add_lists(router, studio)
    _add_files(router, studio)
    _add_changes(router, studio)

    @router.get("/pictures/{picture}")
    def picture(picture: str) -> dict[str, Any]:
        """What is known of a picture: `info`, and its `recipe` and `facts`, null where it carries
        none; `bytes` of its file."""
        recipe: Recipe | None = None
        facts: Facts | None = None
        info = studio.gallery.info(picture)
        with suppress(StudioError):
            recipe = studio.gallery.recipe(picture)
            facts = studio.gallery.facts(picture)
        size = studio.gallery.path(picture).stat().st_size
        return {"info": info, "recipe": recipe, "facts": facts, "bytes": size}


def _add_lists(router: APIRouter, studio: Studio) -> None:
    @router.get("/pictures")
    def pictures(
        query: Wanted,
        limit: Annotated[int, Query(ge=1, le=500)] = 60,
        before: Annotated[str | None, Query(pattern=f"^{PICTURE_ID.pattern}$")] = None,
        offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    ) -> list[PictureInfo]:
        """Pictures that match, newest first; with `before`, those older than that one; `offset`
        leaves out as many. Every word of `text` begins a word of the prompt."""
        return studio.gallery.search(limit, before, query, offset)

    @router.get("/pictures/days")
    def days(query: Wanted) -> list[dict[str, Any]]:
        """Days on which matching pictures were made, newest first, and how many of each."""
        return [{"day": day, "count": count} for day, count in studio.gallery.days(query)]

    @router.get("/pictures/checkpoints")
    def checkpoints() -> list[dict[str, Any]]:
        """Names of the checkpoints that made pictures, and how many of each."""
        found = studio.gallery.checkpoints()
        return [{"name": name, "count": count} for name, count in found]


def _add_files(router: APIRouter, studio: Studio) -> None:
    @router.get("/pictures/{picture}.png", response_class=FileResponse)
    def file(picture: str, download: bool = False) -> FileResponse:
        """The very bytes on disk, recipe included."""
        name = f"{picture}.png" if download else None
        path = studio.gallery.path(picture)
        return FileResponse(path, 200, FOREVER, "image/png", filename=name)

    @router.get("/pictures/{picture}/thumbnail", response_class=FileResponse)
    def thumbnail(picture: str) -> FileResponse:
        """A JPEG at most 384 pixels wide and high."""
        return FileResponse(studio.gallery.thumbnail(picture), 200, FOREVER, "image/jpeg")

    @router.get("/pictures/{picture}/recipe")
    def recipe(picture: str) -> Recipe:
        """The recipe the picture carries."""
        return studio.gallery.recipe(picture)


def _add_changes(router: APIRouter, studio: Studio) -> None:
    @router.put("/pictures/{picture}/favourite")
    def favour(picture: str) -> dict[str, bool]:
        """Make a picture a favourite."""
        studio.gallery.favour(picture, True)
        return {"favourite": True}

    @router.delete("/pictures/{picture}/favourite")
    def unfavour(picture: str) -> dict[str, bool]:
        """Make a picture no favourite any more."""
        studio.gallery.favour(picture, False)
        return {"favourite": False}

    @router.post("/pictures/delete")
    def delete(pictures: Pictures) -> dict[str, list[str]]:
        """Move pictures to the trash, where they stay for thirty days; names those that were
        there."""
        return {"ids": studio.gallery.delete(pictures.ids)}

    @router.post("/pictures/restore")
    def restore(pictures: Pictures) -> dict[str, list[str]]:
        """Give deleted pictures back; names those that came."""
        return {"ids": studio.gallery.restore(pictures.ids)}
