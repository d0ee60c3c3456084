"""What models are called."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pipelines.library.roles import FOLDERS
from pipelines.library.text import decoded, plain
from pipelines.library.walk import MODEL_SUFFIXES

NAME_LIMIT = 500


def candidates(folder: str, parts: tuple[str, ...]) -> Iterator[str]:
    """Names for a model, the best first and without end, so that each can have its own.

    `loras/anime/ink.safetensors` in the folder `models` is "anime/ink"; if that is taken
    "anime/ink.safetensors", then "models/anime/ink.safetensors", then the same with a number.
    """
    if len(parts) > 1 and parts[0].lower() in FOLDERS:
        parts = parts[1:]
    full = "/".join(parts)
    if not (full.isascii() and full.isprintable()):
        full = "/".join(plain(decoded(part)) for part in parts)
    stem, suffix = os.path.splitext(full)
    yield _fit(stem if suffix.lower() in MODEL_SUFFIXES else full)
    yield _fit(full)
    where = plain(decoded(os.path.basename(os.path.normpath(folder))))
    yield _fit(f"{where}/{full}")
    number = 2
    while True:
        yield _fit(f"{where}/{full} ({number})")
        number += 1


def _fit(name: str) -> str:
    return name if len(name) <= NAME_LIMIT else "…" + name[1 - NAME_LIMIT :]
