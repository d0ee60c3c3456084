"""Where pictures lie: `outputs/YYYY-MM-DD/<id>.png`. No state: the files themselves are asked.

A picture's id is its file's stem: date, time, running number and seed, so that ids sort by age. An
id from outside is matched against their form before any path is made of it. Links are no pictures:
what is listed and served lies in the folder itself.
"""

from __future__ import annotations

import os
import re
import tempfile
from datetime import datetime
from pathlib import Path

from app.studio.errors import NotFound
from pipelines.errors import StorageError

PICTURE_ID = re.compile(r"[0-9]{8}-[0-9]{6}-([0-9]{3}-)?[0-9]{1,20}(-[0-9a-z]{1,8})?")
"""`YYYYMMDD-HHMMSS-NNN-<seed>`; older pictures have no running number."""

FILE_LIMIT = 256 * 2**20
"""Bytes; 9,000 pixels a side are less, even of noise that does not pack."""

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def made_at(picture: str) -> datetime | None:
    """When a picture was made, by its id; None for what is no id."""
    if not PICTURE_ID.fullmatch(picture):
        return None
    try:
        return datetime.strptime(picture[:15], "%Y%m%d-%H%M%S")
    except ValueError:
        return None


def day_of(picture: str) -> str:
    """The day in a picture's id. A job that ran past midnight keeps all its pictures in the folder
    of its first day, so this is not always the folder."""
    return f"{picture[:4]}-{picture[4:6]}-{picture[6:8]}"


class Folder:
    """The pictures under `outputs`."""

    def __init__(self, outputs: Path) -> None:
        self.outputs = outputs

    def days(self) -> dict[str, int]:
        """Folders named after a day, newest first, with the times they changed (ns)."""
        try:
            with os.scandir(self.outputs) as entries:
                found = {
                    entry.name: entry.stat(follow_symlinks=False).st_mtime_ns
                    for entry in entries
                    if DAY.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
                }
        except OSError:
            return {}
        return dict(sorted(found.items(), reverse=True))

    def files(self, day: str) -> dict[str, int]:
        """Ids in the folder of a day, newest first, with the times their files changed (ns)."""
        found: dict[str, int] = {}
        try:
            with os.scandir(self.outputs / day) as entries:
                for entry in entries:
                    stem, extension = os.path.splitext(entry.name)
                    if extension != ".png" or made_at(stem) is None:
                        continue
                    if entry.is_file(follow_symlinks=False):
                        found[stem] = entry.stat(follow_symlinks=False).st_mtime_ns
        except OSError:  # the folder, or a file of it, went away meanwhile
            return found
        return dict(sorted(found.items(), reverse=True))

    def file(self, day: str, picture: str) -> Path:
        """Where a picture of that folder lies, or would lie."""
        return self.outputs / day / f"{picture}.png"

    def find(self, picture: str) -> Path | None:
        """The file of a picture, or None."""
        if made_at(picture) is None:
            return None
        file = self.file(day_of(picture), picture)
        if self._holds(file):
            return file
        files = (self.file(day, picture) for day in self.days())
        return next((file for file in files if self._holds(file)), None)

    def _holds(self, file: Path) -> bool:
        inside = os.path.join(os.path.realpath(self.outputs), "")
        return os.path.isfile(file) and os.path.realpath(file).startswith(inside)


def read_whole(file: Path) -> bytes:
    """The bytes of a picture. Raises NotFound when it went away, or is larger than any of ours."""
    try:
        if file.stat().st_size <= FILE_LIMIT:
            return file.read_bytes()
    except OSError as error:
        raise NotFound("This picture cannot be read.", "Its file may be damaged.") from error
    raise NotFound("This file is too large for a picture.", "Look at it in another program.")


def writable(folder: Path) -> Path:
    """The folder itself, made if need be. Raises StorageError when nothing can be saved there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise StorageError(
            f"Nothing can be saved in {folder}: {error.strerror}.",
            "Allow writing there, or choose another folder.",
        ) from error
