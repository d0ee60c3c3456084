"""Small versions of pictures: JPEG, at most 384 pixels wide and high, made when first asked for."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from PIL import Image

from app.studio.errors import NotFound

THUMBNAIL_SIDE = 384
MAX_PIXELS = 64_000_000


class Thumbnails:
    """The small versions in a folder; they can be lost at any time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, original: Path) -> Path:
        """The small version of a picture. Raises NotFound when it cannot be read."""
        small = self._place(original.stem)
        if not small.is_file() or small.stat().st_mtime_ns < original.stat().st_mtime_ns:
            _shrink(original, small)
        return small

    def remove(self, picture: str) -> None:
        """Forget the small version of a picture that is gone."""
        with suppress(OSError):
            self._place(picture).unlink()

    def _place(self, picture: str) -> Path:
        return self._folder / picture[:8] / f"{picture}.jpg"


def _shrink(original: Path, small: Path) -> None:
    try:
        with Image.open(original, formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise NotFound("This picture is too large for a small view.", "Open it itself.")
            pixels = image.convert("RGB")
        pixels.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        small.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=small.parent, delete=False) as partial:
            pixels.save(partial, "JPEG", quality=85)
        os.replace(partial.name, small)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise NotFound("This picture cannot be read.", "Its file may be damaged.") from error
