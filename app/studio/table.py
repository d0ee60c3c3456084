"""The file behind the queue: its schema, its older forms, and who may open it."""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path

from app.studio.errors import DataInUse
from pipelines.errors import StorageError

log = logging.getLogger(__name__)

VERSION = 3

_FIRST = """
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL DEFAULT 'render',
    state TEXT NOT NULL,
    place INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    count INTEGER NOT NULL,
    work TEXT NOT NULL,
    planned TEXT NOT NULL DEFAULT '[]',
    pictures TEXT NOT NULL DEFAULT '[]',
    error TEXT,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    ended INTEGER
);
"""

# Version 1 ran jobs in the order of `seq`, and the pictures of a job in the order of its recipes.
_FROM_1 = """
DROP INDEX IF EXISTS jobs_by_state;
ALTER TABLE jobs RENAME COLUMN recipes TO work;
ALTER TABLE jobs DROP COLUMN draft;
ALTER TABLE jobs ADD COLUMN kind TEXT NOT NULL DEFAULT 'render';
ALTER TABLE jobs ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN planned TEXT NOT NULL DEFAULT '[]';
ALTER TABLE jobs ADD COLUMN ended INTEGER;
UPDATE jobs SET place = seq, planned = pictures,
    ended = CASE WHEN state IN ('done', 'failed', 'cancelled') THEN seq END;
"""

_SECOND = """
CREATE INDEX jobs_by_place ON jobs (state, place);
CREATE INDEX jobs_by_end ON jobs (ended);
CREATE TABLE facts (name TEXT PRIMARY KEY, value NOT NULL);
"""

_THIRD = f"""
ALTER TABLE jobs ADD COLUMN notices TEXT NOT NULL DEFAULT '[]';
PRAGMA user_version = {VERSION};
"""


def open_table(file: Path) -> sqlite3.Connection:
    """A connection that holds the file for this process alone.

    Raises DataInUse while another process has it, StorageError when it cannot be written or comes
    from a later Gesso. A damaged file is set aside and a new one begun.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return _connect(file)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise DataInUse(
                f"Another Gesso is already working in {file.parent}.",
                "Use its page, or start this one with another --data folder.",
            ) from error
        raise not_written(error) from error
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


def not_written(error: sqlite3.Error) -> StorageError:
    """The one sentence about a queue that takes nothing in."""
    return StorageError(
        f"The queue could not be written: {error}.",
        "Make room on the disk that holds the data folder, and check that it can be written.",
    )


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=0.5, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        # One studio per data folder: the lock is held until the process ends, however it ends.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _upgrade(connection, file)
    except (sqlite3.DatabaseError, StorageError):
        connection.close()
        raise
    return connection


def _upgrade(connection: sqlite3.Connection, file: Path) -> None:
    """Bring the schema to this version: all of it, or nothing."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise StorageError(
            f"{file.name} was written by a later version of Gesso.",
            "Update Gesso, or start this one with another --data folder.",
        )
    if version == VERSION:
        # Reading is not enough to take the lock.
        connection.executescript(f"BEGIN IMMEDIATE; PRAGMA user_version = {VERSION}; COMMIT;")
        return
    steps = {0: _FIRST + _SECOND, 1: _FROM_1 + _SECOND, 2: ""}[version]
    connection.executescript(f"BEGIN IMMEDIATE; {steps} {_THIRD} COMMIT;")
