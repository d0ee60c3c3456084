"""What there is to choose from, the schemas, and how the studio is."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.api.routes.models import scanning
from app.studio.doctor import quick
from app.studio.service import Studio
from pipelines.catalog import Catalog
from pipelines.draft import Choice, Draft
from pipelines.errors import StudioError
from pipelines.recipe import Recipe


def add(router: APIRouter, studio: Studio) -> None:
    @router.get("/choices")
    def choices() -> dict[str, Any]:
        """What a draft may choose from. While folders are being read (`scanning`), what is
        known so far."""
        studio.rescan()
        return {
            "checkpoints": [_checkpoint(choice) for choice in studio.catalog.checkpoints()],
            "samplers": [sampler.name for sampler in studio.catalog.samplers()],
            "schedules": [schedule.name for schedule in studio.catalog.schedules()],
            "scanning": scanning(studio),
        }

    @router.get("/choices/vaes")
    def vaes(checkpoint: Annotated[str | None, Query(max_length=512)] = None) -> dict[str, Any]:
        """The VAE files that can be used, those that go with a checkpoint first; the others say
        `why_not`. `automatic` is the one that belongs to it, null where its own is used.

        No `checkpoint` is the default one; with one that is not here, all files may go.
        """
        chosen = None
        with contextlib.suppress(StudioError):
            chosen = studio.catalog.checkpoint(checkpoint)
        return _vaes(studio.catalog, chosen)

    @router.get("/schema")
    def schema() -> dict[str, Any]:
        """JSON schemas of what is asked and of what is decided."""
        return {"draft": Draft.model_json_schema(), "recipe": Recipe.model_json_schema()}

    @router.get("/doctor")
    def doctor() -> dict[str, Any]:
        """What Gesso runs on here, and what is wrong with it; starts nothing."""
        return quick(studio).to_dict()

    @router.get("/health")
    def health() -> dict[str, Any]:
        """That the studio answers, and how its engine is."""
        return {"status": "ok", "engine": studio.engine()}


def _vaes(catalog: Catalog, checkpoint: Choice | None) -> dict[str, Any]:
    automatic = catalog.automatic_vae(checkpoint) if checkpoint else None
    rows = [
        {
            "name": vae.ref.name,
            "size_bytes": vae.entry.size_bytes,
            "why_not": catalog.why_not(vae.entry, checkpoint) if checkpoint else None,
        }
        for vae in catalog.models("vae")
    ]
    rows.sort(key=lambda row: row["why_not"] is not None)
    return {"automatic": automatic.ref.name if automatic else None, "vaes": rows}


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
