"""The queue of jobs: an SQLite table that survives anything but the loss of the disk.

One job is what the artist asked with one press of a button. Its `work` is a list of plain values:
for a job of the kind "render" the recipes, each of which becomes one picture.

    queued -> running -> done | failed | cancelled
                      -> interrupted     found running when the studio started

An ended or interrupted job can be put into the queue again, and goes on with what is missing.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from app.studio.errors import NotFound
from app.studio.job import COLUMNS, Job, State, Taken, job_of, taken_of
from app.studio.plan import name_pictures
from app.studio.table import not_written, open_table
from pipelines.errors import RequestError
from pipelines.events import Failed

UNFINISHED = ("queued", "running")
PROMPT_SHOWN = 300
"""Characters of a prompt in a list of jobs."""

_LAST = "(SELECT coalesce(max(place), 0) + 1 FROM jobs WHERE state = 'queued')"
_FIRST = "(SELECT coalesce(min(place), 0) - 1 FROM jobs WHERE state = 'queued')"
_ENDED = "(SELECT coalesce(max(ended), 0) + 1 FROM jobs)"
_NEWEST = "ended IS NOT NULL ORDER BY ended DESC, place DESC"


class Queue:
    """The table in `file`. Every method is one transaction and may be called from any thread.

    Opening raises what `app.studio.table.open_table` raises; every method raises StorageError
    when the file cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._connection = open_table(file)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @property
    def paused(self) -> bool:
        """Whether no further job is taken. Kept until it is changed, also over a restart."""
        with self._transaction() as table:
            return bool(_fact(table, "paused"))

    def pause(self, paused: bool) -> None:
        """Take no further job, or go on."""
        with self._transaction() as table:
            _set_fact(table, "paused", int(paused))

    def add(
        self, kind: str, prompt: str, work: Sequence[dict[str, Any]], *, first: bool = False
    ) -> Job:
        """Put a job at the end, or `first` of those that wait."""
        plain = json.dumps(work, separators=(",", ":"))
        with self._transaction() as table:
            return _add(table, kind, prompt[:PROMPT_SHOWN], len(work), plain, first)

    def take(self) -> Taken | None:
        """The first waiting job, now running, its pictures named; None when none waits or the
        queue is paused."""
        with self._transaction() as table:
            if _fact(table, "paused"):
                return None
            row = table.execute(
                "UPDATE jobs SET state = 'running', started_at = ?, ended_at = NULL, ended = NULL,"
                " error = NULL WHERE seq = (SELECT seq FROM jobs WHERE state = 'queued'"
                " ORDER BY place LIMIT 1) RETURNING *",
                (time.time(),),
            ).fetchone()
            return _plan(table, taken_of(row)) if row else None

    def saved(self, job: str, picture: str) -> None:
        """Note a finished picture of a job, once."""
        with self._transaction() as table:
            _append(table, "pictures", job, picture)

    def noticed(self, job: str, notice: str) -> None:
        """Note what was done otherwise than a job asked, once."""
        with self._transaction() as table:
            _append(table, "notices", job, notice)

    def skipped(self, job: str, picture: str) -> None:
        """Note that a picture of a job is not wanted."""
        with self._transaction() as table:
            table.execute(
                "UPDATE jobs SET planned = (SELECT json_group_array(nullif(value, ?1))"
                " FROM json_each(planned)) WHERE id = ?2",
                (picture, job),
            )

    def end(self, job: str, state: State, error: Failed | None = None) -> None:
        """Mark the running job as done, failed, cancelled or interrupted; no other job."""
        self._end(job, ("running",), state, error)

    def cancel(self, job: str) -> bool:
        """Cancel a job that waits or was interrupted; False for any other."""
        return self._end(job, ("queued", "interrupted"), "cancelled", None)

    def retry(self, job: str) -> Job:
        """Put an ended job at the end, to go on with what is missing.

        An interrupted one comes first of those that wait. One that is done already is left as it
        is, and a new job does its work again. Raises NotFound, and RequestError for a job that
        waits or runs.
        """
        with self._transaction() as table:
            row = table.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
            if row is None:
                raise no_such_job()
            if row["state"] in UNFINISHED:
                raise RequestError("This job is still under way.", "Wait until it has ended.")
            if row["state"] == "done":
                said = row["kind"], row["prompt"], row["count"], row["work"]
                return _add(table, *said, first=False)
            place = _FIRST if row["state"] == "interrupted" else _LAST
            table.execute(
                f"UPDATE jobs SET state = 'queued', place = {place}, error = NULL,"
                " started_at = NULL, ended_at = NULL, ended = NULL WHERE id = ?",
                (job,),
            )
            return _rows(table, "WHERE id = ?", job)[0]

    def move(self, job: str, before: str | None) -> None:
        """Let a waiting job run before another one, or last. Raises NotFound or RequestError."""
        with self._transaction() as table:
            _place_of(table, job)
            if before is None:
                table.execute(f"UPDATE jobs SET place = {_LAST} WHERE id = ?", (job,))
            elif before != job:
                place = _place_of(table, before)
                table.execute(
                    "UPDATE jobs SET place = place + 1 WHERE state = 'queued' AND place >= ?",
                    (place,),
                )
                table.execute("UPDATE jobs SET place = ? WHERE id = ?", (place, job))

    def clear(self, what: Literal["waiting", "ended"]) -> None:
        """Cancel all jobs that wait, or forget all that ended. Pictures stay."""
        with self._transaction() as table:
            if what == "ended":
                table.execute("DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled')")
            else:
                table.execute(
                    f"UPDATE jobs SET state = 'cancelled', ended_at = ?, ended = {_ENDED}"
                    " WHERE state = 'queued'",
                    (time.time(),),
                )

    def get(self, job: str) -> Job | None:
        """One job, or None."""
        with self._transaction() as table:
            rows = _rows(table, "WHERE id = ?", job)
        return rows[0] if rows else None

    def position(self, job: str) -> int | None:
        """0 for the job that runs, 1 for the one that comes next; None for one that is over."""
        with self._transaction() as table:
            row = table.execute("SELECT state, place FROM jobs WHERE id = ?", (job,)).fetchone()
            if row is None or row["state"] not in UNFINISHED:
                return None
            if row["state"] == "running":
                return 0
            before = "SELECT count(*) FROM jobs WHERE state = 'queued' AND place < ?"
            return 1 + table.execute(before, (row["place"],)).fetchone()[0]

    def taken(self, job: str) -> Taken | None:
        """What a job does and how far it is, or None."""
        with self._transaction() as table:
            row = table.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
        return taken_of(row) if row else None

    def running(self) -> list[Taken]:
        """The job that runs; after a studio was killed, the one that ran."""
        with self._transaction() as table:
            rows = table.execute("SELECT * FROM jobs WHERE state = 'running'").fetchall()
        return [taken_of(row) for row in rows]

    def listed(self, waiting: int, ended: int) -> list[Job]:
        """The job that runs, those that wait in running order (`waiting` at most), those that
        were interrupted, and the newest `ended` ones, newest first."""
        with self._transaction() as table:
            return [
                *_rows(table, "WHERE state = 'running'"),
                *_rows(table, "WHERE state = 'queued' ORDER BY place LIMIT ?", waiting),
                *_rows(table, "WHERE state = 'interrupted' ORDER BY seq"),
                *_rows(table, f"WHERE {_NEWEST} LIMIT ?", ended),
            ]

    def unfinished_work(self) -> str:
        """All that waits, runs or was interrupted has to do, as one text."""
        query = "SELECT group_concat(work, ' ') FROM jobs WHERE state IN (?, ?, ?)"
        with self._transaction() as table:
            return table.execute(query, (*UNFINISHED, "interrupted")).fetchone()[0] or ""

    def counts(self) -> dict[str, int]:
        """How many jobs are `waiting`, and how many `interrupted`."""
        query = "SELECT count(*) FROM jobs WHERE state = ?"
        with self._transaction() as table:
            return {
                "waiting": table.execute(query, ("queued",)).fetchone()[0],
                "interrupted": table.execute(query, ("interrupted",)).fetchone()[0],
            }

    def _end(self, job: str, before: tuple[State, ...], after: State, error: Failed | None) -> bool:
        reason = error.model_dump_json(exclude={"type"}) if error else None
        ended = "NULL" if after == "interrupted" else _ENDED
        with self._transaction() as table:
            changed = table.execute(
                f"UPDATE jobs SET state = ?, error = ?, ended_at = ?, ended = {ended}"
                f" WHERE id = ? AND state IN ({', '.join('?' * len(before))})",
                (after, reason, time.time(), job, *before),
            )
            return changed.rowcount > 0

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                with self._connection:
                    yield self._connection
            except sqlite3.DatabaseError as error:
                raise not_written(error) from error


def no_such_job() -> NotFound:
    """The one sentence about an id that no job has."""
    return NotFound("There is no such job.", "Look at the list of jobs.")


def _add(
    table: sqlite3.Connection, kind: str, prompt: str, count: int, work: str, first: bool
) -> Job:
    job = uuid.uuid4().hex
    table.execute(
        "INSERT INTO jobs (id, kind, state, place, prompt, count, work, created_at)"
        f" VALUES (?, ?, 'queued', {_FIRST if first else _LAST}, ?, ?, ?, ?)",
        (job, kind, prompt, count, work, time.time()),
    )
    return _rows(table, "WHERE id = ?", job)[0]


def _append(table: sqlite3.Connection, column: str, job: str, value: str) -> None:
    """Add to a list of a job what is not in it."""
    table.execute(
        f"UPDATE jobs SET {column} = json_insert({column}, '$[#]', ?1) WHERE id = ?2"
        f" AND NOT EXISTS (SELECT 1 FROM json_each({column}) WHERE value = ?1)",
        (value, job),
    )


def _plan(table: sqlite3.Connection, job: Taken) -> Taken:
    """The job with a name for each picture that has none yet, written down."""
    seeds = [work["seed"] for work in job.work[len(job.planned) :] if "seed" in work]
    if not seeds:
        return job
    names = name_pictures(seeds, datetime.now(), _fact(table, "last_picture"))
    planned = (*job.planned, *names)
    table.execute("UPDATE jobs SET planned = ? WHERE id = ?", (json.dumps(planned), job.id))
    _set_fact(table, "last_picture", names[-1])
    return Taken(job.id, job.kind, job.work, planned, job.pictures)


def _place_of(table: sqlite3.Connection, job: str) -> int:
    row = table.execute("SELECT state, place FROM jobs WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise no_such_job()
    if row["state"] != "queued":
        raise RequestError("Only jobs that wait can be moved.", "This one has begun, or ended.")
    return row["place"]


def _fact(table: sqlite3.Connection, name: str) -> Any:
    row = table.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return row["value"] if row else None


def _set_fact(table: sqlite3.Connection, name: str, value: object) -> None:
    table.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def _rows(table: sqlite3.Connection, where: str, *values: object) -> list[Job]:
    rows = table.execute(f"SELECT {COLUMNS} FROM jobs {where}", values).fetchall()
    return [job_of(row) for row in rows]
