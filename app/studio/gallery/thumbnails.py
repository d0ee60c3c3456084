"""Small versions of pictures: JPEG, at most 384 pixels wide and high, made when first asked for."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from app.studio.errors import NotFound
from app.studio.gallery.folder import read_whole
from app.studio.whole import write_whole
from pipelines.errors import ImageFileError, StorageError
from pipelines.images import OWN, THUMBNAIL_SIDE, Door


class Thumbnails:
    """The small versions in a folder, made behind `door`; they can be lost at any time."""

    def __init__(self, folder: Path, door: Door) -> None:
        self._folder = folder
        self._door = door

    def of(self, original: Path) -> Path:
        """The small version of a picture. Raises NotFound when the picture cannot be read, and
        StorageError when there is no room."""
        small = self._place(original.stem)
        if not _is_newer(small, original):
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
            body = self._door.shrink(read_whole(original), THUMBNAIL_SIDE, OWN)
        except ImageFileError as error:
            raise NotFound(error.message, error.cure) from error
        try:
            write_whole(small, body)
        except OSError as error:
            raise StorageError(
                f"The small version of this picture cannot be kept: {error.strerror}.",
                "Make room on the disk that holds the data folder.",
            ) from error


def _is_newer(small: Path, original: Path) -> bool:
    try:
        return small.stat().st_mtime_ns >= original.stat().st_mtime_ns
    except OSError:
        return False
