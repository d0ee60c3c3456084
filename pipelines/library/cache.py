"""What was learnt of files that have not changed since: one small SQLite file.

Everything in it can be found out again, so whatever is wrong with it, it starts anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from pipelines.library.entry import Facts, Hashes
from pipelines.library.kinds import Family, Variant
from pipelines.library.walk import Stamp

VERSION = 1
"""Raise when the way files are examined changes."""

_FACTS = TypeAdapter(Facts)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts_1 (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sidecars TEXT, edition TEXT, facts TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hashes_1 (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT, legacy TEXT, body TEXT
) WITHOUT ROWID;
"""


class Cache:
    """Facts and hashes by (path, size, mtime); safe to use from several threads and processes.

    Without a file, or where none can be written, it lives in memory.
    """

    def __init__(self, file: Path | None, families: Sequence[Family], variants: Sequence[Variant]):
        self._file = file
        self._edition = _edition(families, variants)
        self._lock = threading.Lock()
        self._connection = self._open()

    def facts(self) -> dict[str, tuple[Stamp, Facts]]:
        """All facts that this edition of Gesso found, by path."""
        rows: list[tuple] = []
        with self._rebuilding():
            rows = self._connection.execute(
                "SELECT path, size, mtime_ns, sidecars, facts FROM facts_1 WHERE edition = ?",
                (self._edition,),
            ).fetchall()
        found: dict[str, tuple[Stamp, Facts]] = {}
        for path, size, mtime_ns, sidecars, text in rows:
            with contextlib.suppress(ValidationError, TypeError):
                stamp = Stamp(size, mtime_ns, sidecars)
                found[os.fsdecode(path)] = stamp, _FACTS.validate_json(text)
        return found

    def keep_facts(self, known: Iterable[tuple[str, Stamp, Facts]]) -> None:
        """Remember facts."""
        rows = [
            (
                os.fsencode(path),
                stamp.size,
                stamp.mtime_ns,
                stamp.sidecars,
                self._edition,
                _FACTS.dump_json(facts, exclude_defaults=True).decode(),
            )
            for path, stamp, facts in known
        ]
        with self._rebuilding(), self._connection:
            self._connection.executemany("REPLACE INTO facts_1 VALUES (?, ?, ?, ?, ?, ?)", rows)

    def hashes(self) -> dict[str, tuple[int, int, Hashes]]:
        """All hashes, with the size and mtime they were made at, by path."""
        rows: list[tuple] = []
        with self._rebuilding():
            rows = self._connection.execute("SELECT * FROM hashes_1").fetchall()
        return {
            os.fsdecode(path): (size, mtime_ns, Hashes(*digests))
            for path, size, mtime_ns, *digests in rows
            if isinstance(path, bytes) and all(isinstance(digest, str) for digest in digests)
        }

    def hashes_of(self, path: str, size: int, mtime_ns: int) -> Hashes | None:
        """The hashes of one file, whichever process made them."""
        row = None
        with self._rebuilding():
            row = self._connection.execute(
                "SELECT sha256, legacy, body FROM hashes_1 "
                "WHERE path = ? AND size = ? AND mtime_ns = ?",
                (os.fsencode(path), size, mtime_ns),
            ).fetchone()
        return Hashes(*row) if row and all(isinstance(digest, str) for digest in row) else None

    def keep_hashes(self, path: str, size: int, mtime_ns: int, hashes: Hashes) -> None:
        """Remember the hashes of a file."""
        row = (os.fsencode(path), size, mtime_ns, *hashes)
        with self._rebuilding(), self._connection:
            self._connection.execute("REPLACE INTO hashes_1 VALUES (?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _rebuilding(self) -> Iterator[None]:
        """Use the connection; start anew if the file proves damaged."""
        with self._lock:
            try:
                yield
            except (sqlite3.OperationalError, sqlite3.ProgrammingError):
                pass  # Locked, no room, or closed already: learn it again next time.
            except sqlite3.DatabaseError:
                self._connection.close()
                self._discard()
                self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        for _ in range(2):
            if self._file is None:
                break
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                return _connect(str(self._file))
            except (sqlite3.OperationalError, OSError):
                break  # No place for a file, or another process holds it.
            except sqlite3.DatabaseError:
                self._discard()
        return _connect(":memory:")

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self._file}{suffix}")


def _connect(target: str) -> sqlite3.Connection:
    connection = sqlite3.connect(target, timeout=2.0, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        connection.execute("SELECT 1 FROM facts_1, hashes_1 LIMIT 1")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _edition(families: Sequence[Family], variants: Sequence[Variant]) -> str:
    """Facts depend on what could be recognised: a new variant makes all files new."""
    known = [VERSION, [family.name for family in families]]
    known += [variant.model_dump_json() for variant in variants]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
