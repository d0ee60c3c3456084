"""The model files: every one in the folders, with the page to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.language import say
from app.ui.panels import panel
from app.ui.tabs import View

if TYPE_CHECKING:
    from app.studio.service import Studio


def _build(studio: Studio) -> None:
    panel("models-panel", "models(element)", script="models")


TAB = View(order=95, name="models", label=say("tab.models"), build=_build)
