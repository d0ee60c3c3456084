"""Model files, what is said of them, and the folders they come from. No path is ever taken from
a request."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from app.api.routes.caching import BRIEFLY
from app.studio.models import Sort, Wish
from app.studio.service import Studio
from pipelines.library.kinds import Role
from pipelines.recipe import PROMPT_LIMIT

NAME_LIMIT = 512

CheckpointName = Annotated[str | None, Query(max_length=NAME_LIMIT)]


class Found(BaseModel):
    """A folder by its id."""

    id: str


class Prompts(BaseModel):
    """What stands in the boxes, of any length, and the checkpoint it is meant for."""

    prompt: str = ""
    negative_prompt: str = ""
    checkpoint: str | None = Field(default=None, max_length=NAME_LIMIT)


class Notes(BaseModel):
    """A note; null: what the file itself or its sidecar says is shown again."""

    notes: str | None


class Shown(BaseModel):
    """The picture of the gallery that shows what a file does."""

    picture: str = Field(max_length=100)


def wish(
    role: Role | None = None,
    family: Annotated[str | None, Query(max_length=100)] = None,
    text: Annotated[str, Query(max_length=200)] = "",
    checkpoint: CheckpointName = None,
    sort: Sort = "name",
    problems_first: bool = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> Wish:
    """What is asked of a list of files, as parameters."""
    return Wish(role, family, text, checkpoint, sort, problems_first, limit, offset)


def add(router: APIRouter, studio: Studio) -> None:
    _add_lists(router, studio)
    _add_notes(router, studio)
    _add_folders(router, studio)
    _add_files(router, studio)


def _add_lists(router: APIRouter, studio: Studio) -> None:
    @router.get("/models")
    def models(wish: Annotated[Wish, Depends(wish)]) -> dict[str, Any]:
        """Model files, a page at a time, each with what is wrong with it and what is said of it.

        Every word of `text` stands in the name, title, trigger words, notes, kind or problem.
        With a `checkpoint`, what goes with it comes first, and the others say `why_not`.
        """
        found = studio.models.page(wish)
        return {
            "models": found.rows,
            "total": found.total,
            "broken": found.broken,
            "scanning": scanning(studio),
        }

    @router.get("/models/counts")
    def counts() -> dict[str, Any]:
        """How many files there are of each role and of each family."""
        return studio.models.counts()

    @router.post("/models/asked")
    def asked(prompts: Prompts) -> dict[str, Any]:
        """The files that a prompt asks for by tags and words, whether or not they are here. One
        that is too long to be painted asks for nothing."""
        prompt, negative = (
            text if len(text) <= PROMPT_LIMIT else ""
            for text in (prompts.prompt, prompts.negative_prompt)
        )
        return studio.models.asked((prompt, negative), prompts.checkpoint)

    @router.get("/models/scan")
    def scan() -> dict[str, Any]:
        """How far the folders are read; null when they are."""
        return {"scanning": scanning(studio), "version": studio.catalog.version}

    @router.post("/models/rescan")
    def rescan() -> dict[str, Any]:
        """Look into the folders again. Answers at once; `/models/scan` tells how far that is."""
        studio.rescan()
        return scan()


def _add_notes(router: APIRouter, studio: Studio) -> None:
    models = studio.models

    @router.get("/models/{role}/{name:path}/preview", response_class=FileResponse)
    def preview(role: Role, name: str) -> FileResponse:
        """A JPEG at most 384 pixels wide and high: the picture chosen for a file, the one beside
        it, or the one in it."""
        return FileResponse(models.previews.of(models.find(role, name)), 200, BRIEFLY, "image/jpeg")

    @router.put("/models/{role}/{name:path}/preview")
    def choose_preview(role: Role, name: str, shown: Shown) -> dict[str, Any]:
        """Show a file by a picture of the gallery; the file itself stays as it is."""
        entry = models.find(role, name)
        models.previews.choose(entry, studio.gallery.data(shown.picture))
        return models.details(entry)

    @router.delete("/models/{role}/{name:path}/preview")
    def forget_preview(role: Role, name: str) -> dict[str, Any]:
        """Show a file again by what it brings itself."""
        entry = models.find(role, name)
        models.previews.forget(entry)
        return models.details(entry)

    @router.put("/models/{role}/{name:path}/notes")
    def write(role: Role, name: str, notes: Notes) -> dict[str, Any]:
        """Keep a note on a file, in Gesso's data folder."""
        entry = models.find(role, name)
        models.notes.write(entry, notes.notes)
        return models.details(entry)

    @router.post("/models/{role}/{name:path}/hash")
    def read_hash(role: Role, name: str) -> dict[str, Any]:
        """Read a file as a whole for its sha256, now; a large one takes its time."""
        return models.details(models.hashed(models.find(role, name)))


def _add_files(router: APIRouter, studio: Studio) -> None:
    @router.get("/models/{role}/{name:path}")
    def model(role: Role, name: str) -> dict[str, Any]:
        """Everything that is known of one file."""
        return studio.models.details(studio.models.find(role, name))


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
