"""The artist's model files, wherever they lie."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pipelines.errors import ModelFileError, UnknownModel
from pipelines.library.cache import Cache
from pipelines.library.entry import Entry, Hashes
from pipelines.library.examine import Examiner
from pipelines.library.hashes import hash_file
from pipelines.library.kinds import Family, Role, Variant
from pipelines.library.listed import listed
from pipelines.library.roles import said
from pipelines.library.search import by_hash, by_name, is_hash, nearest
from pipelines.library.shelf import Shelf
from pipelines.library.text import plain

SETTLE = 2.0
"""Seconds for which a file must lie still before it counts as complete."""

PATIENCE = 3.0
"""Seconds that a scan waits for its folders before it goes on with what it has."""

LIST_SECONDS = 0.5
"""Between two lists while folders are being read, at least."""

LIST_SHARE = 5.0
"""And at least so many times as long as a list takes to make."""


GENTLE_SECONDS = 0.1
"""Between two looks whether one may go on."""


class Progress(NamedTuple):
    """How far the folders are read: files known, of those found so far."""

    scanning: bool
    done: int
    total: int


class Library:
    """Every model file below some folders: scanned by header, named, hashed.

    Folders may be other programs' (see `layouts.adopt`). Until they are scanned, what the cache
    knows is listed. All methods may be called from any thread. `version` counts up whenever a
    scan changed what is listed. While `gentle`, files are read slowly and not hashed unasked, so
    that others in this process come first.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        families: Sequence[Family],
        variants: Sequence[Variant],
        cache_file: Path | None = None,
        settle: float = SETTLE,
        follow_links: bool = False,
    ) -> None:
        """`follow_links`: those, too, that lead out of a folder."""
        self.version = 0
        self.gentle = False
        self._follow_links = follow_links
        self.settle = settle
        self._cache = Cache(cache_file, families, variants)
        self._revision = self._cache.revision
        self._hashes = self._cache.hashes()
        self._examiner = Examiner(families, variants)
        self._closed = threading.Event()
        self._shelves: list[Shelf] = []
        self._listed: list[tuple[Shelf, int, bool]] = []
        self._entries: dict[str, Entry] = {}
        self._watchers: list[Callable[[], object]] = []
        self._scan_lock = threading.Lock()
        self._list_lock = threading.Lock()
        self._entries_lock = threading.Lock()
        self._work = threading.Event()
        self._begun = threading.Event()
        self._hasher: threading.Thread | None = None
        self._lister: threading.Thread | None = None
        self.open(folders)

    def open(self, folders: Sequence[Path]) -> None:
        """Look into these folders from now on. What the cache knows of them is listed at once."""
        with self._scan_lock:
            known = {shelf.path: shelf for shelf in self._shelves}
            self._shelves = [
                known[folder] if folder in known else self._shelf(folder)
                for folder in dict.fromkeys(folders)
            ]
            self._list()

    def scan(self, patience: float = PATIENCE) -> bool:
        """Look at all folders again; whether anything changed. Cheap where nothing did.

        Waits at most `patience` seconds: a folder that takes longer goes on being read in the
        background, and is listed bit by bit.
        """
        deadline = time.monotonic() + patience
        if not self._scan_lock.acquire(timeout=patience):
            return False
        try:
            idle = [shelf for shelf in self._shelves if not shelf.scanning]
            for shelf in idle:
                shelf.start()
            for shelf in idle:
                shelf.wait(deadline - time.monotonic())
            # What is still being read is listed in the background: nobody waits for it here.
            known = {shelf: generation for shelf, generation, _ in self._listed}
            over = [shelf for shelf in idle if not shelf.scanning]
            news = any(known.get(shelf) != shelf.generation for shelf in over)
            changed = (news or not self._scanning) and self._list()
        finally:
            self._scan_lock.release()
        if self._scanning:
            self._list_in_background()
        return changed

    def wait(self, patience: float = PATIENCE) -> None:
        """Wait until all folders are read, or none has given a sign of life for so long."""
        moved, done = time.monotonic(), -1
        while self._scanning and time.monotonic() - moved < patience:
            if (now := self.progress.done) != done:
                moved, done = time.monotonic(), now
            for shelf in self._shelves:
                shelf.wait(0.05)
        self._list()

    def recall(self) -> bool:
        """List what another process has left in the cache since; whether that is anything."""
        with self._scan_lock:
            revision = self._cache.revision
            if revision == self._revision:
                return False
            self._revision = revision
            for shelf in self._shelves:
                shelf.recall()
            self._take_hashes_of_others()
            return self._list()

    @property
    def progress(self) -> Progress:
        """How far the folders are read."""
        left = sum(shelf.left for shelf in self._shelves)
        total = sum(shelf.total for shelf in self._shelves)
        # What is read but not yet listed is not there for anybody who asks.
        scanning = self._scanning or self._marks() != self._listed
        return Progress(scanning, total - left, total)

    def shelves(self) -> list[Shelf]:
        """The folders in use, in order; to be looked at only."""
        return list(self._shelves)

    def watch(self, callback: Callable[[], object]) -> None:
        """Call `callback` whenever `version` has changed, from whichever thread changed it."""
        self._watchers.append(callback)

    def entries(self, role: Role | None = None) -> list[Entry]:
        """What there is, by name, of one role or of all."""
        with self._entries_lock:
            return [entry for entry in self._entries.values() if role in (None, entry.role)]

    def find(self, name: str, role: Role) -> Entry:
        """The entry called so: by name, file name, an ending of its path, or hash.

        Raises UnknownModel when there is none, or when several are called so.
        """
        asked = name.strip()
        entries = self.entries(role)
        found = by_name(asked, entries)
        if not found and is_hash(asked):
            self._take_hashes_of_others()
            found = by_hash(asked, self.entries(role))[:1]
        if len(found) == 1:
            return found[0]
        what, shown = said(role), plain(asked, 100)
        if found:
            names = ", ".join(entry.name for entry in found[:5])
            raise UnknownModel(f"{shown} is the name of several.", f"Choose one of: {names}.", role)
        near = nearest(asked, entries)
        cure = f"Did you mean {near}?" if near else f"Put the {what} into one of the model folders."
        raise UnknownModel(f"There is no {what} called {shown}.", cure, role)

    def hashed(self, entry: Entry) -> Entry:
        """The entry with its hashes, made now unless another process has made them.

        Without them if it has none (a folder), or if it changed meanwhile. Raises
        ModelFileError when the file cannot be read.
        """
        if entry.hashes is not None or not _is_as_listed(entry):
            return entry
        path = str(entry.path)
        known = self._cache.hashes_of(path, entry.size_bytes, entry.mtime_ns)
        hashes = known or hash_file(entry.path, self._closed.is_set)
        if hashes is None:
            return entry
        hashed = replace(entry, hashes=hashes)
        if known is None:
            self._cache.keep_hashes(path, entry.size_bytes, entry.mtime_ns, hashes)
        with self._entries_lock:
            self._hashes[path] = entry.size_bytes, entry.mtime_ns, hashes
            if self._entries.get(path) == entry:
                self._entries[path] = hashed
        return hashed

    def is_current(self, entry: Entry) -> bool:
        """Whether what lies at its path is still what was listed; a folder is taken to be."""
        return _is_as_listed(entry) or os.path.isdir(entry.path)

    def hash_in_background(self) -> None:
        """Start a thread that hashes every file there is and every one that comes."""
        if self._hasher is None:
            self._hasher = threading.Thread(target=self._hash_all, name="hashes", daemon=True)
            self._hasher.start()

    def close(self) -> None:
        """Stop what runs in the background and close the cache."""
        self._closed.set()
        self._work.set()
        self._begun.set()
        for thread in (self._hasher, self._lister):
            if thread is not None:
                thread.join()
        self._cache.close()

    def _shelf(self, folder: Path) -> Shelf:
        stop = self._closed.is_set
        links, gentle = self._follow_links, lambda: self.gentle
        return Shelf(folder, self._examiner, self._cache, self.settle, links, stop, gentle)

    def _list_in_background(self) -> None:
        if self._lister is None:
            self._lister = threading.Thread(target=self._list_often, name="library", daemon=True)
            self._lister.start()
        self._begun.set()

    def _list_often(self) -> None:
        while not self._closed.is_set():
            self._begun.wait()
            self._begun.clear()
            pause = LIST_SECONDS
            while self._scanning and not self._closed.wait(pause):
                started = time.monotonic()
                self._list()
                pause = max(LIST_SECONDS, LIST_SHARE * (time.monotonic() - started))
            self._list()

    @property
    def _scanning(self) -> bool:
        return any(shelf.scanning for shelf in self._shelves)

    def _marks(self) -> list[tuple[Shelf, int, bool]]:
        """By what the shelves are known to be as they were."""
        return [(shelf, shelf.generation, shelf.stalled) for shelf in self._shelves]

    def _list(self) -> bool:
        """Make entries of what the shelves hold now, if that has changed."""
        with self._list_lock:
            marks = self._marks()
            if marks == self._listed:
                return False
            self._listed = marks
            shelves = [(shelf, stalled) for shelf, _, stalled in marks]
            entries = listed(shelves, self._known_hashes)
            with self._entries_lock:
                self._entries = entries
                self.version += 1
        self._work.set()
        for callback in self._watchers:
            callback()
        return True

    def _known_hashes(self, path: str, size: int, mtime_ns: int) -> Hashes | None:
        known = self._hashes.get(path)
        return known[2] if known is not None and known[:2] == (size, mtime_ns) else None

    def _take_hashes_of_others(self) -> None:
        """Another process may have hashed meanwhile what this one has not."""
        hashes = self._cache.hashes()
        with self._entries_lock:
            self._hashes |= hashes
            for path, entry in self._entries.items():
                if entry.hashes is None:
                    known = self._known_hashes(path, entry.size_bytes, entry.mtime_ns)
                    self._entries[path] = replace(entry, hashes=known)

    def _hash_all(self) -> None:
        failed: set[tuple[Path, int]] = set()
        while not self._closed.is_set():
            self._work.wait()
            self._work.clear()
            with self._entries_lock:
                waiting = [e for e in self._entries.values() if not e.hashes and not e.problem]
            for entry in sorted(waiting, key=lambda entry: entry.size_bytes):
                while self.gentle and not self._closed.wait(GENTLE_SECONDS):
                    pass  # Nobody waits for a hash.
                if (entry.path, entry.mtime_ns) in failed:
                    continue
                if not self._can_hash(entry):
                    failed.add((entry.path, entry.mtime_ns))
                if self._work.is_set():
                    break

    def _can_hash(self, entry: Entry) -> bool:
        try:
            return self.hashed(entry).hashes is not None
        except ModelFileError:
            return False


def _is_as_listed(entry: Entry) -> bool:
    """Whether it is a file, and still the one that was found."""
    try:
        status = entry.path.stat()
    except OSError:
        return False
    found = entry.size_bytes, entry.mtime_ns
    return stat.S_ISREG(status.st_mode) and (status.st_size, status.st_mtime_ns) == found
