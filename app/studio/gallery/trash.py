"""Deleted pictures: `outputs/.trash/<day of deletion>/<day>/<id>.png`, for thirty days.

Moving a file within its disk is one step: a picture is in the folder or in the trash, never lost.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path

from app.studio.gallery.folder import DAY
from pipelines.errors import StorageError

FOLDER = ".trash"
DAYS_KEPT = 30


class Trash:
    """The trash of the folder `outputs`."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        self._folder = outputs / FOLDER

    def take(self, file: Path, today: date) -> None:
        """Move a picture here, unless it is gone already.

        Raises StorageError, and then it is where it was.
        """
        names = (today.isoformat() + (f"-{k}" if k > 1 else "") for k in count(1))
        places = (self._folder / name / file.parent.name / file.name for name in names)
        try:
            _move(file, next(place for place in places if not os.path.lexists(place)))
        except StorageError:
            if os.path.lexists(file):
                raise

    def give_back(self, picture: str) -> Path | None:
        """Put the last deleted picture of that id where it was; None where there is none, or where
        another file has its place. Raises StorageError."""
        for day in self._days():
            for file in sorted(day.glob(f"*/{picture}.png"), reverse=True):
                place = self._outputs / file.parent.name / file.name
                if os.path.lexists(place):
                    return None
                _move(file, place)
                return place
        return None

    def empty(self, today: date) -> None:
        """Delete for good what was deleted more than thirty days ago."""
        for day in self._days():
            if date.fromisoformat(day.name[:10]) < today - timedelta(days=DAYS_KEPT):
                shutil.rmtree(day, ignore_errors=True)

    def _days(self) -> Iterator[Path]:
        """Folders named after a day of deletion, newest first."""
        try:
            names = sorted(os.listdir(self._folder), reverse=True)
        except OSError:
            return
        for name in names:
            if DAY.match(name) and _is_date(name[:10]):
                yield self._folder / name


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _move(file: Path, place: Path) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        os.rename(file, place)
    except OSError as error:
        raise StorageError(
            f"The picture could not be moved: {error.strerror}.",
            "Check that the folder of pictures can be written.",
        ) from error
