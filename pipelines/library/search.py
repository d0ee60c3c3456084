"""Which model is meant by a name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from pipelines.library.entry import Entry

NEAR_LIMIT = 2000
"""Names that are compared, at most, to find the nearest."""


def by_name(name: str, entries: Sequence[Entry]) -> list[Entry]:
    """Those called exactly so, else those whose path ends so; case counts only if it decides.

    With or without the extension. More than one: the name does not say which.
    """
    for names in (_names, _ends):
        for fold in (_same, str.casefold):
            # Windows programs write folders with a backslash.
            asked = {fold(name), fold(name.replace("\\", "/"))}
            found = [entry for entry in entries if not asked.isdisjoint(map(fold, names(entry)))]
            if found:
                return found
    return []


def by_hash(digits: str, entries: Sequence[Entry]) -> list[Entry]:
    """Those with this hash, or one that begins so (see `Hashes.match`)."""
    return [entry for entry in entries if entry.hashes is not None and entry.hashes.match(digits)]


def is_hash(text: str) -> bool:
    """Whether this may be a hash: 8 to 64 hexadecimal digits."""
    return 8 <= len(text) <= 64 and all(digit in "0123456789abcdefABCDEF" for digit in text)


def nearest(name: str, entries: Sequence[Entry]) -> str | None:
    """The name most like this one, if any is."""
    names = {entry.stem.casefold(): entry.name for entry in entries[:NEAR_LIMIT]}
    asked = name.rpartition("/")[2].casefold()[:200]
    near = difflib.get_close_matches(asked, list(names), n=1, cutoff=0.5)
    return names[near[0]] if near else None


def _same(text: str) -> str:
    return text


def _names(entry: Entry) -> Collection[str]:
    return entry.name, entry.name + entry.path.suffix


def _ends(entry: Entry) -> Collection[str]:
    """Every ending of the name that starts after a slash."""
    parts = entry.name.split("/")
    ends = ["/".join(parts[start:]) for start in range(1, len(parts))]
    return [*ends, *(end + entry.path.suffix for end in ends)]
