"""The names of pictures, settled before the first of them is painted.

A job's pictures are named in the same transaction that takes it from the queue. Whatever is
killed after that, the folder says which of them exist, and the rest are made under the names they
have: each picture once, none twice.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

STAMP = "%Y%m%d-%H%M%S"
PER_SECOND = 999

_ISSUED = slice(0, len("YYYYMMDD-HHMMSS-NNN"))
_STEPS_BACK = timedelta(days=1)
"""A clock that goes back further than this was wrong before, and is believed from now on."""

_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.part")


def name_pictures(seeds: Sequence[int], now: datetime, last: str | None) -> list[str]:
    """Ids `YYYYMMDD-HHMMSS-NNN-<seed>`, all greater, as text, than the id `last`.

    NNN counts within the second, from 001. While the clock stands still, or has gone back (at the
    end of summer time), the count goes on from the last id.
    """
    stamp, number = now.replace(microsecond=0), 0
    if last is not None:
        before = datetime.strptime(last[:15], STAMP)
        if stamp <= before <= stamp + _STEPS_BACK:
            stamp, number = before, int(last[_ISSUED][16:])
    names = []
    for seed in seeds:
        number += 1
        if number > PER_SECOND:
            stamp, number = stamp + timedelta(seconds=1), 1
        names.append(f"{stamp:{STAMP}}-{number:03}-{seed}")
    return names


def day_of(picture: str) -> date:
    """The day in a picture's id, which is the day of its folder."""
    return datetime.strptime(picture[:8], "%Y%m%d").date()


def file_of(picture: str, outputs: Path) -> Path:
    """Where a planned picture lies once it is made."""
    return outputs / day_of(picture).isoformat() / f"{picture}.png"


def made(pictures: Iterable[str], outputs: Path) -> list[str]:
    """Those of the planned pictures that lie in their folder. Files appear there whole."""
    return [picture for picture in pictures if os.path.isfile(file_of(picture, outputs))]


def sweep(pictures: Iterable[str], outputs: Path) -> None:
    """Remove what a killed engine left half-written in the folders of these pictures."""
    for folder in {file_of(picture, outputs).parent for picture in pictures}:
        with contextlib.suppress(OSError):
            for file in folder.iterdir():
                if _UNFINISHED.fullmatch(file.name):
                    file.unlink(missing_ok=True)
