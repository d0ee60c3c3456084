"""The artist's model files, wherever they lie."""

from __future__ import annotations

import difflib
import os
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
from pipelines.library.layouts import adopt
from pipelines.library.names import candidates
from pipelines.library.shelf import Item, Shelf
from pipelines.library.text import file_name, plain

SETTLE = 2.0
"""Seconds for which a file must lie still before it counts as complete."""

PATIENCE = 10.0
"""Seconds that a scan waits for its folders before it goes on with what it has."""


class Library:
    """Every model file below some folders: scanned by header, named, hashed.

    Folders may be another program's (see `layouts.adopt`). All methods may be called from any
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
        examiner = Examiner(families, variants)
        known = self._cache.facts()
        adopted = {f.path: f for path in reversed(folders) for f in reversed(adopt(path))}
        self._shelves = [
            Shelf(folder, examiner, self._cache, known, settle)
            for folder in reversed(adopted.values())
        ]
        self._entries: dict[str, Entry] = {}
        self._seen: list[tuple[dict[str, Item], bool]] = []
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
            for shelf in self._shelves:
                shelf.start()
            for shelf in self._shelves:
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
        """The entry called so: by name, file name, last part of it, path's end, or hash.

        Raises UnknownModel, with the nearest name as its cure.
        """
        entries = self.entries(role)
        found = _by_name(name.strip(), entries) or self._by_hash(name.strip(), role)
        if found is not None:
            return found
        near = _nearest(name, entries)
        what = role.replace("_", " ")
        cure = f"Did you mean {near}?" if near else f"Put a {what} into one of the model folders."
        raise UnknownModel(f"There is no {what} called {plain(name, 100)}.", cure, role)

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
            folder = str(shelf.folder.path)
            if scanning:
                yield _slow(shelf.folder.path)
            for path in sorted(items, key=lambda path: (items[path].facts.pickled, path)):
                if path not in paths:
                    paths.add(path)
                    yield self._entry(items[path], folder, taken)

    def _entry(self, item: Item, folder: str, taken: set[tuple[Role, str]]) -> Entry:
        found, facts, pending = item
        names = candidates(folder, found.parts)
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

    def _by_hash(self, digits: str, role: Role) -> Entry | None:
        if not _is_hash(digits):
            return None
        self._read_hashes()
        entries = self.entries(role)
        return next((e for e in entries if e.hashes is not None and e.hashes.match(digits)), None)

    def _read_hashes(self) -> None:
        """Take over what another process has hashed meanwhile."""
        self._hashes |= self._cache.hashes()
        with self._entries_lock:
            for path, entry in self._entries.items():
                if entry.hashes is None:
                    hashes = self._known_hashes(path, entry.size_bytes, entry.mtime_ns)
                    self._entries[path] = replace(entry, hashes=hashes)

    def _hash_all(self) -> None:
        failed: set[tuple[str, int]] = set()
        while not self._closed.is_set():
            self._work.wait()
            self._work.clear()
            with self._entries_lock:
                entries = [entry for entry in self._entries.values() if _to_hash(entry)]
            for entry in sorted(entries, key=lambda entry: entry.size_bytes):
                if (str(entry.path), entry.mtime_ns) in failed:
                    continue
                if not self._hash(entry):
                    failed.add((str(entry.path), entry.mtime_ns))
                if self._closed.is_set():
                    return

    def _hash(self, entry: Entry) -> bool:
        try:
            hashes = hash_file(entry.path, self._closed.is_set)
        except ModelFileError:
            return False
        if hashes is None:
            return False
        path = str(entry.path)
        self._cache.keep_hashes(path, entry.size_bytes, entry.mtime_ns, hashes)
        with self._entries_lock:
            self._hashes[path] = entry.size_bytes, entry.mtime_ns, hashes
            if self._entries.get(path) == entry:
                self._entries[path] = replace(entry, hashes=hashes)
                self.version += 1
        return True


def _to_hash(entry: Entry) -> bool:
    return entry.hashes is None and entry.problem is None and entry.path.is_file()


def _is_hash(text: str) -> bool:
    return 8 <= len(text) <= 64 and all(digit in "0123456789abcdefABCDEF" for digit in text)


def _by_name(name: str, entries: Sequence[Entry]) -> Entry | None:
    """An exact name, else the one entry whose file, or whose path's end, is called so; case
    counts only where it decides."""
    asked = name.replace(os.sep, "/")
    for fold in (str, str.casefold):
        for names in (_full_names, _ends):
            found = [e for e in entries if fold(asked) in map(fold, names(e))]
            if len(found) == 1 or (found and names is _full_names):
                return found[0]
    return None


def _full_names(entry: Entry) -> tuple[str, ...]:
    return entry.name, entry.name + entry.path.suffix


def _ends(entry: Entry) -> set[str]:
    """Every ending of the name that starts after a slash, with and without the extension."""
    parts = entry.name.split("/")
    ends = {"/".join(parts[start:]) for start in range(len(parts))}
    return ends | {end + entry.path.suffix for end in ends}


def _nearest(name: str, entries: Sequence[Entry]) -> str | None:
    by_fold = {entry.stem.casefold(): entry.name for entry in entries}
    asked = name.rpartition("/")[2].casefold()[:200]
    near = difflib.get_close_matches(asked, list(by_fold)[:2000], n=1, cutoff=0.5)
    return by_fold[near[0]] if near else None


def _slow(folder: Path) -> Entry:
    problem = Problem(
        f"{file_name(folder)} is still being read.",
        "Wait a little; if it stays so, check the disk or network it lies on.",
    )
    return Entry("unknown", name=f"{file_name(folder)}/", path=folder, problem=problem)
