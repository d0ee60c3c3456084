"""The artist's favourites: ids, one on a line, in `outputs/favourites.txt`.

A text file beside the pictures outlives every index, can be copied with them and read by anyone.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from app.studio.gallery.folder import PICTURE_ID
from app.studio.whole import write_whole
from pipelines.errors import StorageError

FILE = "favourites.txt"


class Favourites:
    """The file in the folder `outputs`, read again whenever it was changed by hand."""

    def __init__(self, outputs: Path) -> None:
        self._file = outputs / FILE
        self._lock = threading.Lock()
        self._read: tuple[int, int] | None = None
        self._ids: frozenset[str] = frozenset()

    def all(self) -> frozenset[str]:
        """The ids in the file now."""
        with self._lock:
            return self._refresh()

    def mark(self, picture: str, favourite: bool) -> None:
        """Add or take out a picture. Raises StorageError, and then nothing has changed."""
        with self._lock:
            ids = self._refresh()
            ids = ids | {picture} if favourite else ids - {picture}
            self._write(ids)

    def _refresh(self) -> frozenset[str]:
        try:
            facts = os.stat(self._file)
            stamp = (facts.st_mtime_ns, facts.st_size)
            if stamp != self._read:
                lines = self._file.read_text("utf-8", "replace").split()
                self._ids = frozenset(line for line in lines if PICTURE_ID.fullmatch(line))
                self._read = stamp
        except FileNotFoundError:
            self._ids, self._read = frozenset(), None
        except OSError:  # may not be read just now: what was known stays
            pass
        return self._ids

    def _write(self, ids: frozenset[str]) -> None:
        try:
            write_whole(self._file, "".join(f"{picture}\n" for picture in sorted(ids)).encode())
        except OSError as error:
            raise StorageError(
                f"The favourites could not be saved: {error.strerror}.",
                "Make room in the folder of pictures, and check that it can be written.",
            ) from error
        self._read = None
