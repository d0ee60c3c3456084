"""The working tabs. One file here is one tab: it declares a `TAB` and is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.ui.form import Form

if TYPE_CHECKING:
    from app.studio.service import Studio


@dataclass(frozen=True)
class Tab:
    """A tab's place in the row, its label, and what lays out its settings.

    `build(studio, form)` runs inside the tab and adds its widgets to `form`, which already holds
    the prompts and the checkpoint that all tabs share.
    """

    order: int
    label: str
    build: Callable[[Studio, Form], None]


def tabs() -> list[Tab]:
    """Every tab, in order."""
    modules = [
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    ]
    return sorted((module.TAB for module in modules), key=lambda tab: tab.order)
