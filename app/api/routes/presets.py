"""Presets: settings kept under a name."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.api.routes.described import DRAFT_BODY
from app.studio.presets import Preset
from app.studio.reuse import recall
from app.studio.service import Studio
from pipelines.draft import Draft


def add(router: APIRouter, studio: Studio) -> None:
    presets = studio.presets

    @router.get("/presets")
    def listed() -> list[dict[str, Any]]:
        """All presets by name, each with the `values` of a draft that it sets."""
        return [_view(preset) for preset in presets.all()]

    @router.get("/presets/{name:path}")
    def preset(name: str) -> dict[str, Any]:
        """What a preset asks for here, and what of it differs or is missing.

        What cannot be had is left out of the `values`; `differences` are sentences about it.
        """
        found = presets.get(name)
        recalled = recall(found.draft, studio.catalog)
        values = recalled.draft.model_dump(mode="json", exclude_unset=True)
        return {"name": found.name, "values": values, "differences": recalled.differences}

    @router.put("/presets/{name:path}", openapi_extra=DRAFT_BODY)
    def put(name: str, draft: dict[str, Any], replace: bool = False) -> dict[str, Any]:
        """Keep what a draft sets under a name; one that is taken only if told to `replace` it.

        `former` are the values of the preset that was replaced, or null.
        """
        former = presets.put(name, Draft.of(draft), replace=replace)
        return {**_view(presets.get(name)), "former": former and former.values}

    @router.delete("/presets/{name:path}")
    def remove(name: str) -> dict[str, Any]:
        """Delete a preset; the answer is what brings it back."""
        return _view(presets.remove(name))


def _view(preset: Preset) -> dict[str, Any]:
    return {"name": preset.name, "values": preset.values}
