"""What the artist says of a model file: notes, and a preview of their own.

    notes = ModelNotes(data / "model_notes.json")
    notes.write(entry, "Weight 0.6, and no more than one face.")
    notes.of(entry).text

Kept in Gesso's data folder: the artist's own files are never written to. A note belongs to the
file at its path; one that was moved or renamed finds it again by its sha256.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from app.studio.json_file import JsonFile
from pipelines.errors import RequestError, StorageError
from pipelines.library.entry import Entry

FORMAT = 1
TEXT_LIMIT = 10_000
"""Characters of a note."""

FILE_LIMIT = 100_000_000
"""Bytes of all notes together."""


@dataclass(frozen=True)
class Note:
    """`text` is what the artist wrote, None where nothing was written; `preview` the name of the
    picture they chose, if any; `sha256` that of the file, once it is known."""

    text: str | None = None
    preview: str | None = None
    sha256: str | None = None


class ModelNotes:
    """The notes in one file. Safe to use from any thread.

    Opening raises StorageError when the file may not be read; a damaged one is set aside.
    """

    def __init__(self, file: Path) -> None:
        self._file = JsonFile(file, "notes", FILE_LIMIT)
        self._lock = threading.Lock()
        self._notes: dict[str, Note] = self._file.read(_parsed, {})
        self._moved = _by_hash(self._notes)

    def of(self, entry: Entry) -> Note:
        """What is kept of a file; an empty note where that is nothing."""
        found = self._notes.get(entry.file)
        if found is None:
            return self._moved.get(entry.hashes.sha256, Note()) if entry.hashes else Note()
        if found.sha256 is None and entry.hashes is not None:
            with contextlib.suppress(StorageError):  # it is tried again with the next look
                self._put(entry, found)
        return found

    def write(self, entry: Entry, text: str | None) -> None:
        """Keep a note; None: what stands in the file, or beside it, is shown again.

        Raises RequestError for one that is too long, or StorageError; then nothing has changed.
        """
        if text is not None and len(text) > TEXT_LIMIT:
            raise RequestError(
                f"The note is too long: {len(text):,} characters of {TEXT_LIMIT:,}.",
                "Shorten it.",
                "notes",
            )
        self._put(entry, replace(self.of(entry), text=text))

    def show(self, entry: Entry, preview: str | None) -> None:
        """Keep the name of the preview that was chosen. Raises StorageError."""
        self._put(entry, replace(self.of(entry), preview=preview))

    def previews(self) -> set[str]:
        """The names of all previews that were chosen."""
        return {note.preview for note in self._notes.values() if note.preview}

    def _put(self, entry: Entry, note: Note) -> None:
        note = replace(note, sha256=entry.hashes.sha256 if entry.hashes else note.sha256)
        with self._lock:
            notes = {**self._notes, entry.file: note}
            if note.text is None and note.preview is None:
                del notes[entry.file]
            self._file.write({"format": FORMAT, "models": _plain(notes)})
            self._notes, self._moved = notes, _by_hash(notes)


def _by_hash(notes: Mapping[str, Note]) -> dict[str, Note]:
    return {note.sha256: note for note in notes.values() if note.sha256}


def _plain(notes: Mapping[str, Note]) -> dict[str, Any]:
    return {path: asdict(note) for path, note in notes.items()}


def _parsed(data: Any) -> dict[str, Note]:
    """Raises ValueError, TypeError, KeyError or AttributeError for what is no file of notes."""
    if data["format"] != FORMAT:
        raise ValueError("it is not of a known format")
    notes = {path: Note(**note) for path, note in data["models"].items()}
    for note in notes.values():
        if not all(isinstance(value, str | None) for value in asdict(note).values()):
            raise TypeError("it holds what is no note")
    return notes
