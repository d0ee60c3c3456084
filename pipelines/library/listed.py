"""From what lies on the shelves to the list of entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pipelines.library.entry import Entry, Hashes, Problem
from pipelines.library.item import Item
from pipelines.library.kinds import Role
from pipelines.library.names import candidates
from pipelines.library.shelf import Shelf
from pipelines.library.text import file_name

KnownHashes = Callable[[str, int, int], Hashes | None]
"""The hashes of a path, a size and a time of change, if they are known."""


def listed(shelves: Iterable[tuple[Shelf, bool]], hashes: KnownHashes) -> dict[str, Entry]:
    """The entries of shelves by path, in the order in which they are shown: by role and name.

    Each shelf comes with whether it is stalled, which is listed as well.
    """
    return dict(sorted(_entries(shelves, hashes), key=lambda each: _place(each[1])))


def _entries(
    shelves: Iterable[tuple[Shelf, bool]], hashes: KnownHashes
) -> Iterator[tuple[str, Entry]]:
    """Entries with names of their own; earlier folders, and safe formats, choose first."""
    taken: set[tuple[Role, str]] = set()
    paths: set[str] = set()
    for shelf, stalled in shelves:
        if stalled:
            yield str(shelf.path), _slow(shelf.path)
        items = shelf.items()
        for path in sorted(items, key=lambda path: (items[path].facts.pickled, path)):
            if path not in paths:
                paths.add(path)
                yield path, _entry(items[path], taken, hashes)


def _entry(item: Item, taken: set[tuple[Role, str]], hashes: KnownHashes) -> Entry:
    folder, found, facts, pending = item
    names = candidates(str(folder.path), found.parts)
    name = next(name for name in names if (facts.role, name) not in taken)
    taken.add((facts.role, name))
    return Entry(
        **vars(facts),
        name=name,
        file=found.path,
        size_bytes=found.stamp.size,
        mtime_ns=found.stamp.mtime_ns,
        preview=Path(found.preview) if found.preview else None,
        hashes=hashes(found.path, found.stamp.size, found.stamp.mtime_ns),
        pending=pending,
    )


def _slow(folder: Path) -> Entry:
    problem = Problem(
        f"{file_name(folder)} is still being read.",
        "Wait a little; if it stays so, check the disk or network it lies on.",
    )
    return Entry("unknown", name=f"{file_name(folder)}/", file=str(folder), problem=problem)


def _place(entry: Entry) -> tuple[str, str, str]:
    return entry.role, entry.name.casefold(), entry.name
