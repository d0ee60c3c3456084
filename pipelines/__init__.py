"""Gesso's library: recipes in, pictures out, no server needed.

    from pipelines import Catalog, Draft, Engine, expand, save

    catalog = Catalog.open()
    [recipe] = expand(Draft(prompt="a red house, a meadow, a clear day", seed=7), catalog)
    picture = Engine(catalog).render(recipe)
    save(picture, "house.png")

Importing this package costs next to nothing: torch comes in with the first `Engine`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.catalog import Catalog
    from pipelines.draft import Draft, expand
    from pipelines.engine.engine import Engine
    from pipelines.errors import Cancelled, StudioError
    from pipelines.geometry import Size
    from pipelines.metadata import read_recipe, save
    from pipelines.models.conversion import convert
    from pipelines.picture import Picture
    from pipelines.recipe import Recipe

__all__ = [
    "Cancelled",
    "Catalog",
    "Draft",
    "Engine",
    "Picture",
    "Recipe",
    "Size",
    "StudioError",
    "convert",
    "expand",
    "read_recipe",
    "save",
]

_HOMES = {
    "Cancelled": "pipelines.errors",
    "Catalog": "pipelines.catalog",
    "Draft": "pipelines.draft",
    "Engine": "pipelines.engine.engine",
    "Picture": "pipelines.picture",
    "Recipe": "pipelines.recipe",
    "Size": "pipelines.geometry",
    "StudioError": "pipelines.errors",
    "convert": "pipelines.models.conversion",
    "expand": "pipelines.draft",
    "read_recipe": "pipelines.metadata",
    "save": "pipelines.metadata",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
