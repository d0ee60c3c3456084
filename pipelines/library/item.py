"""Something found in a folder, as a scan leaves it and as the cache keeps it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pipelines.library.entry import Facts, Problem
from pipelines.library.kinds import Role
from pipelines.library.layouts import Folder
from pipelines.library.walk import Found, Stamp

COLUMNS = (
    "path", "folder", "folder_role", "size", "mtime_ns", "sidecars", "state", "preview",
    "role", "family", "variant", "dtype", "pickled", "note", "told", "width", "message", "cure",
    "pending",
)  # fmt: skip

ROLES = frozenset(get_args(Role))


class Item(NamedTuple):
    """Something found in a folder, and the facts about it; `pending` when it changed a moment
    ago."""

    folder: Folder
    found: Found
    facts: Facts
    pending: bool = False

    @property
    def lasting(self) -> bool:
        """Whether the facts stay as they are while the file does."""
        return self.facts.problem is None and not self.pending

    def to_row(self) -> tuple[Any, ...]:
        """In the order of `COLUMNS`. Names are bytes: they need not be text."""
        folder, found, facts, pending = self
        return (
            os.fsencode(found.path), os.fsencode(folder.path), folder.role,
            *found.stamp, found.state, found.preview and os.fsencode(found.preview),
            facts.role, facts.family, facts.variant, facts.dtype, facts.pickled, facts.note,
            facts.told, facts.width, *(facts.problem or (None, None)), pending,
        )  # fmt: skip


def from_rows(rows: Iterable[tuple[Any, ...]]) -> dict[str, Item]:
    """The items in these rows by path; a row that makes no sense is passed over."""
    items: dict[str, Item] = {}
    folders: dict[tuple[bytes, Role | None], Folder] = {}
    for row in rows:
        path, folder, folder_role, size, mtime_ns, sidecars, state, preview, *told = row
        role, family, variant, dtype, pickled, note, text, width, message, cure, pending = told
        named = isinstance(path, bytes) and isinstance(folder, bytes) and isinstance(sidecars, str)
        numbered = isinstance(size, int) and isinstance(mtime_ns, int)
        numbered = numbered and isinstance(width, int | None)
        if not named or not numbered or role not in ROLES or not isinstance(text, str):
            continue
        key = folder, folder_role
        if key not in folders:
            folders[key] = Folder(Path(os.fsdecode(folder)), folder_role)
        name = os.fsdecode(path)
        stamp = Stamp(size, mtime_ns, sidecars)
        shown = os.fsdecode(preview) if preview else None
        found = Found(name, _parts(name, os.fsdecode(folder)), stamp, state, shown)
        problem = Problem(message, cure) if message is not None else None
        facts = Facts(role, family, variant, dtype, bool(pickled), note, problem, text, width)
        items[name] = Item(folders[key], found, facts, bool(pending))
    return items


def _parts(path: str, folder: str) -> tuple[str, ...]:
    below = path[len(folder) :].strip(os.sep)
    return tuple(below.split(os.sep)) if below else (os.path.basename(path),)
