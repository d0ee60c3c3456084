"""A job of the queue: as it is listed, and as it is done."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]

COLUMNS = (
    "id, kind, state, prompt, count, pictures, notices, error, created_at, started_at, ended_at"
)
"""What a `Job` is read from."""


@dataclass(frozen=True)
class Job:
    """One row of the queue. Times are seconds since 1970.

    `prompt` is the beginning of what was asked, `count` how many pictures were, `pictures` the
    ids of those saved so far, `notices` what was done otherwise than asked to get them.
    """

    id: str
    kind: str
    state: State
    prompt: str
    count: int
    pictures: tuple[str, ...]
    notices: tuple[str, ...]
    error: dict[str, Any] | None
    created_at: float
    started_at: float | None
    ended_at: float | None


@dataclass(frozen=True)
class Taken:
    """A job that runs or ran: what it does, and its pictures by planned name.

    `planned` has one id for each piece of work (None: skipped), or is empty for a job that makes
    no pictures.
    """

    id: str
    kind: str
    work: tuple[dict[str, Any], ...]
    planned: tuple[str | None, ...]
    pictures: tuple[str, ...]

    @property
    def missing(self) -> list[tuple[str, dict[str, Any]]]:
        """Id and work of each picture that has still to be made."""
        pairs = zip(self.planned, self.work, strict=False)
        return [(name, work) for name, work in pairs if name and name not in self.pictures]


def job_of(row: sqlite3.Row) -> Job:
    """The job in a row of `COLUMNS`."""
    said = dict(row)
    for name in ("pictures", "notices"):
        said[name] = tuple(json.loads(said[name]))
    said["error"] = json.loads(said["error"]) if said["error"] else None
    return Job(**said)


def taken_of(row: sqlite3.Row) -> Taken:
    """What the job in a whole row does."""
    work, planned, pictures = (
        tuple(json.loads(row[name])) for name in ("work", "planned", "pictures")
    )
    return Taken(row["id"], row["kind"], work, planned, pictures)
