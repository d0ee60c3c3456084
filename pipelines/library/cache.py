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

from pipelines.library.entry import Hashes
from pipelines.library.item import COLUMNS, Item, from_rows
from pipelines.library.kinds import Family, Variant

VERSION = 4
"""Raise when the way files are examined changes."""

_SCHEMA = f"""
DROP TABLE IF EXISTS items_2;
CREATE TABLE IF NOT EXISTS items_3 (
    shelf BLOB, edition TEXT, {", ".join(COLUMNS)}, PRIMARY KEY (shelf, path)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hashes_1 (
    path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha256 TEXT, legacy TEXT, body TEXT
) WITHOUT ROWID;
"""
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM items_3 WHERE shelf = ? AND edition = ?"
_REPLACE = f"REPLACE INTO items_3 VALUES (?, ?, {', '.join('?' * len(COLUMNS))})"


class Cache:
    """What lay in which folder, and hashes; safe to use from several threads and processes.

    Without a file, or where none can be written, it lives in memory.
    """

    def __init__(self, file: Path | None, families: Sequence[Family], variants: Sequence[Variant]):
        self._file = file
        self._edition = _edition(families, variants)
        self._lock = threading.Lock()
        self._connection = self._open()

    @property
    def revision(self) -> int:
        """Changes when another process has written into the file."""
        row = None
        with self._rebuilding():
            row = self._connection.execute("PRAGMA data_version").fetchone()
        return row[0] if row else 0

    def items(self, shelf: Path) -> dict[str, Item]:
        """What this edition of Gesso found on a shelf when it was scanned last, by path."""
        items: dict[str, Item] = {}
        with self._rebuilding():
            place = os.fsencode(shelf), self._edition
            items = from_rows(self._connection.execute(_SELECT, place))
        return items

    def keep_items(self, shelf: Path, items: Iterable[Item]) -> None:
        """Remember what was found on a shelf."""
        start = (os.fsencode(shelf), self._edition)
        rows = [(*start, *item.to_row()) for item in items]
        with self._rebuilding(), self._connection:
            self._connection.executemany(_REPLACE, rows)

    def forget_items(self, shelf: Path, paths: Iterable[str]) -> None:
        """Forget what is no longer there."""
        rows = [(os.fsencode(shelf), os.fsencode(path)) for path in paths]
        with self._rebuilding(), self._connection:
            self._connection.executemany("DELETE FROM items_3 WHERE shelf = ? AND path = ?", rows)

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
        connection.execute("SELECT 1 FROM items_3, hashes_1 LIMIT 1")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _edition(families: Sequence[Family], variants: Sequence[Variant]) -> str:
    """Facts depend on what could be recognised: a new variant makes all files new."""
    known = [VERSION, [family.name for family in families]]
    known += [variant.model_dump_json() for variant in variants]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
