"""The tabs. One file here is one tab: it declares a `TAB` and is found by itself.

A `Tab` is a working tab: a form beside the prompts, the checkpoint and the stage, which all of
them share. A `View` has the page to itself: the gallery is one.
"""

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
    """A working tab: its place in the row, its name, its label, and what lays out its settings.

    `name` is its address (`#text-to-image`) and the key of its values in the workspace: lower
    case letters, digits and dashes. `build(studio, form)` runs inside the tab and adds its widgets
    to `form`, where `form["prompt"]` and the like find what all tabs share.
    """

    order: int
    name: str
    label: str
    build: Callable[[Studio, Form], None]


@dataclass(frozen=True)
class View:
    """A tab without a form: while it is chosen, the prompts and the stage give way to it.

    Place, name and label as in `Tab`; `build(studio)` runs inside the tab.
    """

    order: int
    name: str
    label: str
    build: Callable[[Studio], None]


def tabs() -> list[Tab | View]:
    """Every tab, in order."""
    modules = [
        importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)
    ]
    return sorted((module.TAB for module in modules), key=lambda tab: tab.order)
