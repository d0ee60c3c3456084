"""How the page's handlers are wired, and how they look up a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.draft import Choice
from pipelines.errors import StudioError

if TYPE_CHECKING:
    from app.studio.service import Studio

QUIET: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "preprocess": False,
}
"""At once, unseen, and with the values as they are: checking them is the draft's work, so that
each mistake gets its sentence and its cure."""


def checkpoint_or_none(studio: Studio, name: str | None = None) -> Choice | None:
    """A checkpoint by name or hash (None: the default one), or None where it is not usable."""
    try:
        return studio.catalog.checkpoint(name)
    except StudioError:
        return None
