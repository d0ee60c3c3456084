"""Pictures of model files: the artist's choice, what lies beside the file, what stands in it.

    previews.has(entry)         # asks no disk
    previews.of(entry)          # a JPEG, at most 384 pixels wide and high

Whatever a file brings is shrunk behind the door of `pipelines.images` before anybody sees it, and
kept in the data folder until it changes. Links are not followed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from app.studio.errors import NotFound
from app.studio.model_notes import ModelNotes
from app.studio.whole import write_whole
from pipelines.errors import ImageFileError, ModelFileError, StorageError
from pipelines.images import OWN, THUMBNAIL_SIDE, Door
from pipelines.library.entry import Entry
from pipelines.library.header import opened, read_header

FILE_LIMIT = 64 * 2**20
"""Bytes of a picture beside a model."""


class Previews:
    """The previews in a folder, made behind `door`; all but the chosen ones can be lost."""

    def __init__(self, folder: Path, door: Door, notes: ModelNotes) -> None:
        self._folder = folder
        self._door = door
        self._notes = notes
        self._refused: set[tuple[Path, int]] = set()

    def has(self, entry: Entry) -> bool:
        """Whether there is something to show; whether it can be opened turns out later."""
        return bool(self.chosen(entry) or entry.preview or entry.training.cover)

    def chosen(self, entry: Entry) -> str:
        """The name of the artist's choice; empty where they made none."""
        return self._notes.of(entry).preview or ""

    def of(self, entry: Entry) -> Path:
        """The preview of a file. Raises NotFound, or StorageError when there is no room."""
        if (name := self.chosen(entry)) and (own := self._own(name)).is_file():
            return own
        beside = entry.preview
        if beside and (found := self._small(beside, _changed(beside), _beside)):
            return found
        if entry.training.cover and (found := self._small(entry.path, entry.mtime_ns, _within)):
            return found
        raise NotFound("This file has no preview.", "Choose one from the gallery.")

    def choose(self, entry: Entry, picture: bytes) -> None:
        """Show a file by a picture of the gallery. Raises ImageFileError or StorageError."""
        body = self._door.shrink(picture, THUMBNAIL_SIDE, OWN)
        name = secrets.token_hex(8)
        _write(self._own(name), body)
        self._replace(entry, name)

    def forget(self, entry: Entry) -> None:
        """Show what the file brings itself again. Raises StorageError."""
        if self.chosen(entry):
            self._replace(entry, None)

    def _replace(self, entry: Entry, name: str | None) -> None:
        former = self.chosen(entry)
        self._notes.show(entry, name)
        if former and former not in self._notes.previews():
            with suppress(OSError):
                self._own(former).unlink()

    def _own(self, name: str) -> Path:
        return self._folder / "chosen" / f"{os.path.basename(name)}.jpg"

    def _small(
        self, source: Path, changed: int | None, read: Callable[[Path], bytes]
    ) -> Path | None:
        """The small version of what `read` finds in a file, or None where that is no picture."""
        if changed is None or (source, changed) in self._refused:
            return None
        small = self._folder / "found" / f"{_digest(source)}.jpg"
        if _changed(small) == changed:
            return small
        try:
            body = self._door.shrink(read(source), THUMBNAIL_SIDE)
        except (ImageFileError, ModelFileError):
            self._refused.add((source, changed))  # what harms the decoder does so once
            return None
        _write(small, body)
        os.utime(small, ns=(changed, changed))
        return small


def _beside(file: Path) -> bytes:
    """A picture that lies beside a model. Raises ModelFileError when it cannot be read."""
    with opened(file) as stream:
        return stream.read(FILE_LIMIT)


def _within(file: Path) -> bytes:
    """The picture in a model's own header: modelspec's, else the first cover of kohya's additional
    networks. Raises ModelFileError when the header cannot be read, ImageFileError for no picture.
    """
    metadata = read_header(file).metadata
    text = metadata.get("modelspec.thumbnail", "").rpartition(",")[2]  # data:image/jpeg;base64,...
    try:
        if not text:
            text = json.loads(metadata.get("ssmd_cover_images", ""))[0]
        return base64.b64decode(text)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ImageFileError("This is no picture.", "Choose another one.") from error


def _changed(file: Path) -> int | None:
    """When a file was changed; None for what is none, or a link."""
    with suppress(OSError):
        status = file.lstat()
        return status.st_mtime_ns if stat.S_ISREG(status.st_mode) else None
    return None


def _digest(file: Path) -> str:
    return hashlib.blake2b(os.fsencode(file), digest_size=16).hexdigest()


def _write(file: Path, body: bytes) -> None:
    try:
        write_whole(file, body)
    except OSError as error:
        raise StorageError(
            f"The preview cannot be kept: {error.strerror}.",
            "Make room on the disk that holds the data folder.",
        ) from error
