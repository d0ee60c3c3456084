"""What one picture file says of itself, hostile or broken as it may be."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from app.studio.gallery.folder import made_at
from pipelines.errors import StudioError
from pipelines.metadata import read_recipe
from pipelines.prompt.networks import tags, with_tags

_START = struct.Struct(">8s4x4sII")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LONGEST_SIDE = 2**31 - 1


@dataclass(frozen=True)
class PictureInfo:
    """What a list of pictures shows of one. The words are there if it carries a recipe; a list
    has the first 300 characters of `prompt`, which ends with the tags of LoRAs. `created_at` is
    local time, ISO 8601."""

    id: str
    width: int
    height: int
    created_at: str
    prompt: str | None
    negative_prompt: str | None
    checkpoint: str | None
    seed: int | None
    sampler: str | None
    favourite: bool


def read_info(file: Path, favourite: bool) -> PictureInfo | None:
    """What a file says of itself, or None when it is no PNG. Decodes no pixel."""
    created = made_at(file.stem)
    sides = _sides(file)
    if created is None or sides is None:
        return None
    try:
        recipe = read_recipe(file)
    except (StudioError, OSError):
        recipe = None
    return PictureInfo(
        id=file.stem,
        width=sides[0],
        height=sides[1],
        created_at=created.isoformat(),
        prompt=recipe and with_tags(recipe.prompt, tags(recipe)),
        negative_prompt=recipe and recipe.negative_prompt,
        checkpoint=recipe and recipe.checkpoint.name,
        seed=recipe and recipe.seed,
        sampler=recipe and recipe.sampler,
        favourite=favourite,
    )


def _sides(file: Path) -> tuple[int, int] | None:
    """Width and height in a PNG's header (W3C PNG, section 11.2.1), or None for another file."""
    try:
        with file.open("rb") as opened:
            signature, kind, *sides = _START.unpack(opened.read(_START.size))
    except (OSError, struct.error):
        return None
    width, height = sides
    fit = 0 < width <= _LONGEST_SIDE and 0 < height <= _LONGEST_SIDE
    return (width, height) if signature == _SIGNATURE and kind == b"IHDR" and fit else None
