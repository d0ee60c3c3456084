"""One file is one plug-in: whatever a module of a package declares is found by looking."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TypeVar

from pipelines.samplers.base import Sampler, Schedule

Plugin = TypeVar("Plugin", Sampler, Schedule)


def key(name: str) -> str:
    """The form in which names and aliases are compared."""
    return name.strip().casefold()


def discover(package: ModuleType, kind: type[Plugin]) -> dict[str, Plugin]:
    """Every `kind` that the modules of `package` declare, by the `key` of each name and alias.

    A module declares by holding it at its top level, alone or in a tuple. Raises ValueError,
    naming both files, when two share a name or an alias.
    """
    found: dict[str, Plugin] = {}
    files: dict[str, str | None] = {}
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = import_module(info.name)
        for plugin in _declared(module, kind):
            for name in {key(n) for n in (plugin.name, *plugin.aliases)}:
                if found.setdefault(name, plugin) is not plugin:
                    raise ValueError(
                        f"Two {kind.__name__.lower()}s are called {name!r}: "
                        f"one in {files[name]}, one in {module.__file__}."
                    )
                files.setdefault(name, module.__file__)
    return found


def _declared(module: ModuleType, kind: type[Plugin]) -> Iterator[Plugin]:
    for value in vars(module).values():
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, kind):
                yield item
