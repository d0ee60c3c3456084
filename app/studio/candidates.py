"""Folders of other studios on this machine, found where people put them."""

from __future__ import annotations

import os
import string
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.library.layouts import Program, adopt, program_of
from pipelines.library.walk import is_model

DEPTH = 2
"""Folders below a place that are looked into."""

SEARCH_SECONDS = 3.0
COUNT_SECONDS = 0.5
PLACES_WITHIN_HOME = ("", "Desktop", "Documents", "Downloads", "AI", "StabilityMatrix/Packages")
NEVER = frozenset(("node_modules", "site-packages", "appdata", "library", "windows", "proc", "sys"))


@dataclass(frozen=True)
class Candidate:
    """The folder of another program; `counts` are its model files by what they are for."""

    path: Path
    program: Program
    counts: Counter[str] = field(default_factory=Counter)


def places(home: Path, checkout: Path) -> list[Path]:
    """Where to look, the likeliest first; what may be a dead network disk comes last."""
    within = [home / name for name in PLACES_WITHIN_HOME]
    drives = [Path(f"{letter}:\\") for letter in string.ascii_uppercase] if os.name == "nt" else []
    mounts = [Path(name) for name in ("/opt", "/srv", "/data", "/mnt", "/media", "/Volumes")]
    mounts += [Path("/media") / home.name, Path("/run/media") / home.name]
    return list(dict.fromkeys([*within, checkout.parent, *drives, *mounts]))


def search(where: Iterable[Path], seconds: float = SEARCH_SECONDS) -> Iterator[Candidate]:
    """The programs' folders in these places and at most `DEPTH` below them, links not followed.

    What lies nearest comes first; ends after about `seconds`.
    """
    deadline = time.monotonic() + seconds
    level, seen = [path for path in where if not path.is_symlink()], set[Path]()
    for _ in range(DEPTH):
        below: list[Path] = []
        for place in level:
            if time.monotonic() > deadline:
                return
            for path in _folders(place):
                if path in seen:
                    continue
                seen.add(path)
                program = program_of(path)
                if program is None:
                    below.append(path)
                else:
                    yield Candidate(path, program, count(path))
        level = below


def count(root: Path, seconds: float = COUNT_SECONDS) -> Counter[str]:
    """The model files of a program by role, as far as they can be counted in `seconds`."""
    deadline = time.monotonic() + seconds
    counts: Counter[str] = Counter()
    for folder in adopt(root):
        for _, _, names in os.walk(folder.path):
            counts[folder.role or "unknown"] += sum(map(is_model, names))
            if time.monotonic() > deadline:
                return counts
    return counts


def _folders(place: Path) -> list[Path]:
    try:
        with os.scandir(place) as entries:
            found = [entry for entry in entries if not entry.name.startswith((".", "$"))]
            folders = [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(Path(path) for path in folders if os.path.basename(path).lower() not in NEVER)
