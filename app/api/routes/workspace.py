"""The workspace: the form, the open pictures and the tab, as they were left."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from app.api.routes.caching import FRESH
from app.studio.errors import NotFound
from app.studio.service import Studio
from app.studio.workspace import Change


class Chosen(BaseModel):
    """The part of the workspace that is the whole page's."""

    model_config = ConfigDict(extra="forbid")

    tab: str


def add(router: APIRouter, studio: Studio) -> None:
    workspace = studio.workspace

    @router.get("/workspace")
    def whole(response: Response) -> dict[str, Any]:
        """`{version, tab, tabs: {name: {values, picture}}}`; what is left out has its default."""
        response.headers.update(FRESH)
        found = workspace.snapshot()
        for sheet in found["tabs"].values():
            if sheet["picture"] is not None and not _is_there(studio, sheet["picture"]):
                sheet["picture"] = None
        return found

    @router.patch("/workspace/{tab}")
    def change(tab: str, change: Change) -> dict[str, int]:
        """Keep new values of some fields, or the open picture; of each the last one counts."""
        return {"version": workspace.change(tab, change)}

    @router.put("/workspace")
    def choose(chosen: Chosen) -> dict[str, int]:
        """Keep which tab is chosen."""
        return {"version": workspace.choose(chosen.tab)}

    @router.delete("/workspace")
    def forget() -> dict[str, int]:
        """Begin anew: the next page to open shows defaults."""
        return {"version": workspace.forget()}


def _is_there(studio: Studio, picture: str) -> bool:
    try:
        studio.gallery.path(picture)
    except NotFound:
        return False
    return True
