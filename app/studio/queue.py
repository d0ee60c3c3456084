"""The queue of jobs: an SQLite table that survives anything but the loss of the disk.

One job is what the artist asked with one press of the button: a draft, and the recipes it became.
Jobs run in the order they came. What was running when the studio ended is found again at the next
start and says that it was interrupted.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.studio.errors import DataInUse
from pipelines.draft import Draft
from pipelines.errors import EngineStopped, StorageError
from pipelines.events import Failed
from pipelines.recipe import Recipe

log = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "failed", "cancelled"]

PROMPT_SHOWN = 300
"""Characters of a prompt in a list of jobs."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    prompt TEXT NOT NULL,
    count INTEGER NOT NULL,
    draft TEXT NOT NULL,
    recipes TEXT NOT NULL,
    pictures TEXT NOT NULL DEFAULT '[]',
    error TEXT,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, seq);
PRAGMA user_version = 1;
"""

_COLUMNS = """
    id, state, prompt, count, pictures, error, created_at, started_at, ended_at,
    (SELECT count(*) FROM jobs AS other WHERE other.state IN ('queued', 'running')
        AND other.seq < jobs.seq) AS before
"""

_INTERRUPTED = Failed(
    kind=EngineStopped.__name__,
    message="Gesso ended while this was running.",
    cure="Run it again: its settings are kept.",
)


@dataclass(frozen=True)
class Job:
    """One row of the queue as every face shows it. Times are seconds since 1970.

    `ahead` counts the jobs that come before a waiting one; `pictures` are the ids saved so far.
    """

    id: str
    state: State
    prompt: str
    count: int
    ahead: int
    pictures: tuple[str, ...]
    error: dict[str, Any] | None
    created_at: float
    started_at: float | None
    ended_at: float | None


class Queue:
    """The table in `file`. Every method is one transaction and may be called from any thread.

    Opening raises DataInUse while another process has the file open, StorageError when it cannot
    be written. A damaged file is set aside and a new one begun.
    """

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._connection = _open(file)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def add(self, draft: Draft, recipes: Sequence[Recipe]) -> Job:
        """Put a job at the end."""
        job = uuid.uuid4().hex
        prompt = draft.prompt[:PROMPT_SHOWN]
        plain = "[" + ",".join(recipe.to_json() for recipe in recipes) + "]"
        with self._transaction() as table:
            table.execute(
                "INSERT INTO jobs (id, state, prompt, count, draft, recipes, created_at)"
                " VALUES (?, 'queued', ?, ?, ?, ?, ?)",
                (job, prompt, len(recipes), draft.model_dump_json(), plain, time.time()),
            )
            return _rows(table, "WHERE id = ?", job)[0]

    def take(self) -> tuple[str, list[Recipe]] | None:
        """The first waiting job, now running, with its recipes; None when none waits."""
        with self._transaction() as table:
            row = table.execute(
                "UPDATE jobs SET state = 'running', started_at = ? WHERE seq ="
                " (SELECT min(seq) FROM jobs WHERE state = 'queued') RETURNING id, recipes",
                (time.time(),),
            ).fetchone()
        if row is None:
            return None
        return row["id"], [Recipe.of(data) for data in json.loads(row["recipes"])]

    def saved(self, job: str, picture: str) -> None:
        """Note a finished picture of a job."""
        with self._transaction() as table:
            table.execute(
                "UPDATE jobs SET pictures = json_insert(pictures, '$[#]', ?) WHERE id = ?",
                (picture, job),
            )

    def end(self, job: str, state: State, error: Failed | None = None) -> None:
        """Mark the running job as done, failed or cancelled. Does nothing to any other job."""
        self._end(job, "running", state, error)

    def cancel_waiting(self, job: str) -> bool:
        """Cancel a job that has not begun; False when it has, or is over."""
        return self._end(job, "queued", "cancelled", None)

    def get(self, job: str) -> Job | None:
        """One job, or None."""
        with self._transaction() as table:
            rows = _rows(table, "WHERE id = ?", job)
        return rows[0] if rows else None

    def recent(self, limit: int) -> list[Job]:
        """The newest jobs, newest first, and the running one however old it is."""
        with self._transaction() as table:
            return _rows(
                table,
                "WHERE state = 'running' OR seq > (SELECT max(seq) FROM jobs) - ?"
                " ORDER BY seq DESC",
                limit,
            )

    def recover(self) -> int:
        """Mark what an ended studio left running as interrupted; returns how many."""
        with self._transaction() as table:
            return table.execute(
                "UPDATE jobs SET state = 'failed', error = ?, ended_at = ? WHERE state = 'running'",
                (_plain(_INTERRUPTED), time.time()),
            ).rowcount

    def _end(self, job: str, before: State, after: State, error: Failed | None) -> bool:
        reason = _plain(error) if error else None
        with self._transaction() as table:
            changed = table.execute(
                "UPDATE jobs SET state = ?, error = ?, ended_at = ? WHERE id = ? AND state = ?",
                (after, reason, time.time(), job, before),
            )
            return changed.rowcount > 0

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                with self._connection:
                    yield self._connection
            except sqlite3.OperationalError as error:
                raise _storage(error) from error


def _plain(error: Failed) -> str:
    return error.model_dump_json(exclude={"type"})


def _rows(table: sqlite3.Connection, where: str, *values: object) -> list[Job]:
    rows = table.execute(f"SELECT {_COLUMNS} FROM jobs {where}", values).fetchall()
    return [_job(dict(row)) for row in rows]


def _job(row: dict[str, Any]) -> Job:
    before = row.pop("before")
    row["ahead"] = before if row["state"] == "queued" else 0
    row["pictures"] = tuple(json.loads(row["pictures"]))
    row["error"] = json.loads(row["error"]) if row["error"] else None
    return Job(**row)


def _open(file: Path) -> sqlite3.Connection:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _connect(file)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise DataInUse(
                f"Another Gesso is already working in {file.parent}.",
                "Use its page, or start this one with another --data folder.",
            ) from error
        raise _storage(error) from error
    except OSError as error:
        raise StorageError(
            f"{file.parent} cannot be written: {error.strerror}.",
            "Choose another folder with --data.",
        ) from error
    except sqlite3.DatabaseError:
        aside = file.with_name(f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        file.replace(aside)
        log.warning("The queue was damaged; it is kept as %s and a new one begins", aside)
        return _connect(file)


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=0.5, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        # One studio per data folder: the lock is held until the process ends, however it ends.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _storage(error: sqlite3.Error) -> StorageError:
    return StorageError(
        f"The queue could not be written: {error}.",
        "Make room on the disk that holds the data folder, and check that it can be written.",
    )
