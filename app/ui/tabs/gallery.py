"""The gallery: every picture, with the page to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.language import say
from app.ui.panels import panel
from app.ui.tabs import View

if TYPE_CHECKING:
    from app.studio.service import Studio


def _build(studio: Studio) -> None:
    panel("gallery-panel", "gallery(element)", script="gallery")


TAB = View(order=90, name="gallery", label=say("tab.gallery"), build=_build)
