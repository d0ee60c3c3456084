"""Small versions of pictures: JPEG, at most 384 pixels wide and high, made when first asked for."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from app.studio.errors import NotFound
from pipelines.errors import ImageFileError
from pipelines.images import OWN, THUMBNAIL_SIDE, Door


class Thumbnails:
    """The small versions in a folder, made behind `door`; they can be lost at any time."""

    def __init__(self, folder: Path, door: Door) -> None:
        self._folder = folder
        self._door = door

    def of(self, original: Path) -> Path:
        """The small version of a picture. Raises NotFound when it cannot be read."""
        small = self._place(original.stem)
        if not small.is_file() or small.stat().st_mtime_ns < original.stat().st_mtime_ns:
            self._shrink(original, small)
        return small

    def remove(self, picture: str) -> None:
        """Forget the small version of a picture that is gone."""
        with suppress(OSError):
            self._place(picture).unlink()

    def _place(self, picture: str) -> Path:
        return self._folder / picture[:8] / f"{picture}.jpg"

    def _shrink(self, original: Path, small: Path) -> None:
        try:
            body = self._door.shrink(original.read_bytes(), THUMBNAIL_SIDE, OWN)
            small.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=small.parent, delete=False) as partial:
                partial.write(body)
            os.replace(partial.name, small)
        except ImageFileError as error:
            raise NotFound(error.message, error.cure) from error
        except OSError as error:
            raise NotFound("This picture cannot be read.", "Its file may be damaged.") from error
