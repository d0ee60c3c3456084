"""The artist's model files, wherever they lie."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.errors import ModelFileError, UnknownModel
from pipelines.library.cache import Cache
from pipelines.library.entry import Entry, Hashes, Problem
from pipelines.library.examine import Examiner
from pipelines.library.hashes import hash_file
from pipelines.library.kinds import Family, Role, Variant
from pipelines.library.names import candidates
from pipelines.library.search import by_hash, by_name, is_hash, nearest
from pipelines.library.shelf import Item, Shelf
from pipelines.library.text import file_name, plain

SETTLE = 2.0
"""Seconds for which a file must lie still before it counts as complete."""

PATIENCE = 3.0
"""Seconds that a scan waits for its folders before it goes on with what it has."""


class Library:
    """Every model file below some folders: scanned by header, named, hashed.

    Folders may be other programs' (see `layouts.adopt`). All methods may be called from any
    thread. `version` counts up whenever a scan or a hash changed what is listed.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        families: Sequence[Family],
        variants: Sequence[Variant],
        cache_file: Path | None = None,
        settle: float = SETTLE,
    ) -> None:
        self.version = 0
        self.settle = settle
        self._cache = Cache(cache_file, families, variants)
        self._hashes = self._cache.hashes()
        examiner, known = Examiner(families, variants), self._cache.facts()
        self._shelves = [
            Shelf(folder, examiner, self._cache, known, settle) for folder in dict.fromkeys(folders)
        ]
        self._seen: list[tuple[dict[str, Item], bool]] = []
        self._entries: dict[str, Entry] = {}
        self._scan_lock = threading.Lock()
        self._entries_lock = threading.Lock()
        self._work = threading.Event()
        self._closed = threading.Event()
        self._hasher: threading.Thread | None = None

    def scan(self, patience: float = PATIENCE) -> bool:
        """Look at all folders again; whether anything changed.

        Cheap where nothing did. Waits at most `patience` seconds: a folder that takes longer is
        listed as such and goes on being read, for a later scan to find complete.
        """
        with self._scan_lock:
            deadline = time.monotonic() + patience
            idle = [shelf for shelf in self._shelves if not shelf.scanning]
            for shelf in idle:
                shelf.start()
            for shelf in idle:
                shelf.wait(deadline - time.monotonic())
            seen = [(shelf.items(), shelf.scanning) for shelf in self._shelves]
            if seen == self._seen:
                return False
            self._seen = seen
            entries = {str(entry.path): entry for entry in self._build(seen)}
            with self._entries_lock:
                self._entries = entries
                self.version += 1
        self._work.set()
        return True

    def entries(self, role: Role | None = None) -> list[Entry]:
        """What there is, by name, of one role or of all."""
        with self._entries_lock:
            found = [entry for entry in self._entries.values() if role in (None, entry.role)]
        return sorted(found, key=lambda entry: (entry.role, entry.name.casefold(), entry.name))

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
        what, shown = role.replace("_", " "), plain(asked, 100)
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
                self.version += 1
        return hashed

    def hash_in_background(self) -> None:
        """Start a thread that hashes every file there is and every one that comes."""
        if self._hasher is None:
            self._hasher = threading.Thread(target=self._hash_all, name="hashes", daemon=True)
            self._hasher.start()

    def close(self) -> None:
        """Stop hashing and close the cache."""
        self._closed.set()
        self._work.set()
        if self._hasher is not None:
            self._hasher.join()
        self._cache.close()

    def _build(self, seen: list[tuple[dict[str, Item], bool]]) -> Iterator[Entry]:
        """Entries with names of their own; earlier folders, and safe formats, choose first."""
        taken: set[tuple[Role, str]] = set()
        paths: set[str] = set()
        for shelf, (items, scanning) in zip(self._shelves, seen, strict=True):
            if scanning:
                yield _slow(shelf.path)
            for path in sorted(items, key=lambda path: (items[path].facts.pickled, path)):
                if path not in paths:
                    paths.add(path)
                    yield self._entry(items[path], taken)

    def _entry(self, item: Item, taken: set[tuple[Role, str]]) -> Entry:
        folder, found, facts, pending = item
        names = candidates(str(folder.path), found.parts)
        name = next(name for name in names if (facts.role, name) not in taken)
        taken.add((facts.role, name))
        return Entry(
            **vars(facts),
            name=name,
            path=Path(found.path),
            size_bytes=found.stamp.size,
            mtime_ns=found.stamp.mtime_ns,
            preview=Path(found.preview) if found.preview else None,
            hashes=self._known_hashes(found.path, found.stamp.size, found.stamp.mtime_ns),
            pending=pending,
        )

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


def _slow(folder: Path) -> Entry:
    problem = Problem(
        f"{file_name(folder)} is still being read.",
        "Wait a little; if it stays so, check the disk or network it lies on.",
    )
    return Entry("unknown", name=f"{file_name(folder)}/", path=folder, problem=problem)
