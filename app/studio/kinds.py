"""What each kind of job asks of the engine. A further kind is one function here, and one in
`pipelines.engine.child`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from app.studio.job import Taken
from app.studio.plan import day_of
from pipelines.errors import RequestError

Folder = Callable[[date], Path]
"""Makes the folder of a day ready, or raises StorageError."""


def command_of(job: Taken, folder: Folder) -> dict[str, Any]:
    """The command that makes the engine do what is missing of a job. Raises StudioError."""
    kind = KINDS.get(job.kind)
    if kind is None:
        raise RequestError(
            f"This version of Gesso has no jobs of the kind {job.kind!r}.",
            "Run it with the version it was made with.",
        )
    return {"do": job.kind, **kind(job, folder)}


def _render(job: Taken, folder: Folder) -> dict[str, Any]:
    pictures = [
        {
            "index": job.planned.index(name),
            "file": str(folder(day_of(name)) / f"{name}.png"),
            "recipe": recipe,
        }
        for name, recipe in job.missing
    ]
    return {"count": len(job.work), "pictures": pictures}


def _convert(job: Taken, folder: Folder) -> dict[str, Any]:
    return {"checkpoint": job.work[0]["checkpoint"]}


KINDS: Mapping[str, Callable[[Taken, Folder], dict[str, Any]]] = {
    "render": _render,
    "convert": _convert,
}
