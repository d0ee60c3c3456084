"""Model files, and the folders they come from. No path is ever taken from a request."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from app.studio.listing import page
from app.studio.service import Studio
from pipelines.library.kinds import Role


class Found(BaseModel):
    """A folder by its id."""

    id: str


def add(router: APIRouter, studio: Studio) -> None:
    _add_models(router, studio)
    _add_folders(router, studio)


def _add_models(router: APIRouter, studio: Studio) -> None:
    @router.get("/models")
    def models(
        role: Role | None = None,
        text: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> dict[str, Any]:
        """Model files by role and name, a page at a time, each with what is wrong with it.

        `text` are words that all stand in the name, the kind or the problem.
        """
        found = page(studio.catalog, role, text, limit, offset)
        return {
            "models": found.rows,
            "total": found.total,
            "broken": found.broken,
            "scanning": scanning(studio),
        }

    @router.get("/models/scan")
    def scan() -> dict[str, Any]:
        """How far the folders are read; null when they are."""
        return {"scanning": scanning(studio), "version": studio.catalog.version}

    @router.post("/models/rescan")
    def rescan() -> dict[str, Any]:
        """Look into the folders again. Answers at once; `/models/scan` tells how far that is."""
        studio.rescan()
        return scan()


def _add_folders(router: APIRouter, studio: Studio) -> None:
    @router.get("/folders")
    def folders() -> dict[str, Any]:
        """The folders that models come from, and those of other studios on this machine."""
        return studio.folders.listing()

    @router.post("/folders/adopt")
    def adopt(found: Found) -> dict[str, Any]:
        """Take models from a folder that was found, too; its `id` is one of the candidates'."""
        studio.folders.adopt(found.id)
        return studio.folders.listing()

    @router.post("/folders/choose")
    def choose() -> dict[str, Any]:
        """Open the system's dialog on the machine itself; `chosen` tells how it ended."""
        return {"chosen": studio.folders.choose(), **studio.folders.listing()}

    @router.delete("/folders/{folder}")
    def remove(folder: str) -> dict[str, Any]:
        """Take models from a folder no longer; its files stay where they are."""
        studio.folders.remove(folder)
        return studio.folders.listing()


def scanning(studio: Studio) -> dict[str, int] | None:
    """Files known, of those found so far; None when no folder is being read."""
    progress = studio.catalog.library.progress
    return {"done": progress.done, "total": progress.total} if progress.scanning else None
