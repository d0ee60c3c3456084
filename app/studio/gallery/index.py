"""The index of the folder: SQLite, with FTS5 over the prompts. It can be lost at any time.

One row per picture, and per day folder the time it had when it was last read whole. A file that is
damaged, or of another version, is begun anew.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from app.studio.gallery.folder import day_of, made_at
from app.studio.gallery.info import PictureInfo
from app.studio.gallery.query import Query, searchable
from pipelines.errors import StorageError

log = logging.getLogger(__name__)

VERSION = 1
PROMPT_SHOWN = 300
"""Characters of a prompt in a list."""

_SCHEMA = f"""
BEGIN;
CREATE TABLE pictures (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    day TEXT NOT NULL,
    mtime_ns INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    prompt TEXT,
    negative_prompt TEXT,
    checkpoint TEXT,
    seed TEXT,
    sampler TEXT,
    favourite INTEGER NOT NULL
);
CREATE INDEX pictures_by_folder ON pictures (day, id, mtime_ns);
CREATE INDEX pictures_by_checkpoint ON pictures (checkpoint, id);
CREATE INDEX pictures_by_seed ON pictures (seed, id);
CREATE INDEX favourite_pictures ON pictures (id) WHERE favourite;
CREATE TABLE days (day TEXT PRIMARY KEY, mtime_ns INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (
    prompt,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* M* Co So'",
    prefix = '1 2 3'
);
PRAGMA user_version = {VERSION};
COMMIT;
"""

_SHOWN = f"""id, width, height, substr(prompt, 1, {PROMPT_SHOWN}) AS prompt,
    substr(negative_prompt, 1, {PROMPT_SHOWN}) AS negative_prompt,
    checkpoint, seed, sampler, favourite"""

_PUT = """
INSERT INTO pictures (id, day, mtime_ns, width, height, prompt, negative_prompt, checkpoint, seed,
    sampler, favourite) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET day = excluded.day, mtime_ns = excluded.mtime_ns,
    width = excluded.width, height = excluded.height, prompt = excluded.prompt,
    negative_prompt = excluded.negative_prompt, checkpoint = excluded.checkpoint,
    seed = excluded.seed, sampler = excluded.sampler, favourite = excluded.favourite
RETURNING number
"""

_T = TypeVar("_T")


class Row(NamedTuple):
    """A picture, and the file that was read: in which folder, and as it was at what time."""

    info: PictureInfo
    day: str
    mtime_ns: int


class Index:
    """The index in `file`. Every method is one transaction and may be called from any thread.

    `on_loss` is called when the index was found damaged and has been emptied. Raises StorageError
    when the file cannot be written.
    """

    def __init__(self, file: Path, on_loss: Callable[[], None]) -> None:
        self._file = file
        self._on_loss = on_loss
        self._lock = threading.Lock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _open(file)
        except (OSError, sqlite3.Error) as error:
            raise _storage(error) from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def search(
        self, query: Query, limit: int, before: str | None, offset: int
    ) -> list[PictureInfo]:
        """Pictures that match, newest first: those older than `before`, `offset` more left out."""
        where, values = query.conditions()
        if before is not None:
            where, values = f"{where} AND id < ?", [*values, before]
        sql = f"SELECT {_SHOWN} FROM pictures WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?"
        return [_info(row) for row in self._rows(sql, *values, limit, offset)]

    def days(self, query: Query) -> list[tuple[str, int]]:
        """Days on which matching pictures were made, newest first, and how many of each."""
        where, values = query.conditions()
        sql = (
            "SELECT substr(id, 1, 8) AS made, count(*) AS number FROM pictures"
            f" WHERE {where} GROUP BY made ORDER BY made DESC"
        )
        found = self._rows(sql, *values)
        return [(f"{day[:4]}-{day[4:6]}-{day[6:]}", number) for day, number in found]

    def checkpoints(self) -> list[tuple[str, int]]:
        """Names of the checkpoints that made pictures, and how many of each."""
        sql = (
            "SELECT checkpoint, count(*) FROM pictures WHERE checkpoint IS NOT NULL"
            " GROUP BY checkpoint ORDER BY checkpoint COLLATE NOCASE"
        )
        return [(name, number) for name, number in self._rows(sql)]

    def times(self) -> dict[str, int]:
        """Folders by name, with the time each had when it was last read whole."""
        return {day: time for day, time in self._rows("SELECT day, mtime_ns FROM days")}

    def folders(self) -> set[str]:
        """Folders of which there are pictures."""
        return {day for (day,) in self._rows("SELECT DISTINCT day FROM pictures")}

    def files(self, day: str) -> dict[str, int]:
        """Ids of a folder's pictures, with the times their files had."""
        rows = self._rows("SELECT id, mtime_ns FROM pictures WHERE day = ?", day)
        return {picture: time for picture, time in rows}

    def put(self, rows: Sequence[Row]) -> tuple[int, set[str]]:
        """Add pictures, or what they are now; returns how many changed, and the folders to be read
        again: of copies in several folders, only that in the folder of its day is known, or else in
        the newest, and the others must be found once that one is gone."""

        def work(table: sqlite3.Connection) -> tuple[int, set[str]]:
            changed, again = 0, set[str]()
            for row in rows:
                folders = {row.day, *_other_folder(table, row)}
                own = day_of(row.info.id)
                shown = max(folders, key=lambda day: (day == own, day))
                for folder in folders - {shown}:
                    again.add(folder)
                    _forget_folder(table, folder)
                if shown == row.day:
                    _put(table, row)
                    changed += 1
            return changed, again

        return self._do(work)

    def remove(self, day: str, pictures: Iterable[str]) -> int:
        """Forget pictures of a folder; returns how many were known."""

        def work(table: sqlite3.Connection) -> int:
            sql = "DELETE FROM pictures WHERE id = ? AND day = ? RETURNING number"
            found = [row for id_ in pictures for row in table.execute(sql, (id_, day)).fetchall()]
            table.executemany("DELETE FROM words WHERE rowid = ?", found)
            return len(found)

        return self._do(work)

    def settle(self, day: str, mtime_ns: int | None, count: int) -> None:
        """Note the time a folder had when it was read whole. It must be read again where that is
        None, or where less than `count` pictures are known: some were lost with the index."""
        known = "SELECT count(*) FROM pictures WHERE day = ?"
        note = "INSERT OR REPLACE INTO days (day, mtime_ns) VALUES (?, ?)"

        def work(table: sqlite3.Connection) -> None:
            if mtime_ns is None or table.execute(known, (day,)).fetchone()[0] < count:
                _forget_folder(table, day)
            else:
                table.execute(note, (day, mtime_ns))

        self._do(work)

    def favour(self, favourites: Iterable[str]) -> int:
        """Make these the favourites; returns how many pictures changed."""

        def work(table: sqlite3.Connection) -> int:
            wanted = set(favourites)
            now = {id_ for (id_,) in table.execute("SELECT id FROM pictures WHERE favourite")}
            marks = [(True, id_) for id_ in wanted - now] + [(False, id_) for id_ in now - wanted]
            return table.executemany(
                "UPDATE pictures SET favourite = ? WHERE id = ?", marks
            ).rowcount

        return self._do(work)

    def _rows(self, sql: str, *values: object) -> list[Any]:
        return self._do(lambda table: table.execute(sql, values).fetchall())

    def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._lock:
            try:
                with self._connection:
                    return work(self._connection)
            except sqlite3.DatabaseError as error:
                if not _damaged(error):
                    raise _storage(error) from error
                log.warning("The index of the pictures was damaged and is made again: %s", error)
                self._connection.close()
                _discard(self._file)
                self._connection = _open(self._file)
        self._on_loss()
        with self._lock, self._connection:
            return work(self._connection)


def _put(table: sqlite3.Connection, row: Row) -> None:
    info = row.info
    seed = None if info.seed is None else str(info.seed)
    values = (info.id, row.day, row.mtime_ns, info.width, info.height, info.prompt)
    values += (info.negative_prompt, info.checkpoint, seed, info.sampler, info.favourite)
    (number,) = table.execute(_PUT, values).fetchone()
    table.execute("DELETE FROM words WHERE rowid = ?", (number,))
    if info.prompt:
        text = searchable(info.prompt)
        table.execute("INSERT INTO words (rowid, prompt) VALUES (?, ?)", (number, text))


def _other_folder(table: sqlite3.Connection, row: Row) -> list[str]:
    sql = "SELECT day FROM pictures WHERE id = ? AND day <> ?"
    return [day for (day,) in table.execute(sql, (row.info.id, row.day))]


def _forget_folder(table: sqlite3.Connection, day: str) -> None:
    table.execute("DELETE FROM days WHERE day = ?", (day,))


def _info(row: sqlite3.Row) -> PictureInfo:
    created = made_at(row["id"])
    assert created is not None, row["id"]
    known = dict(row) | {"favourite": bool(row["favourite"]), "created_at": created.isoformat()}
    known["seed"] = None if row["seed"] is None else int(row["seed"])
    return PictureInfo(**known)


def _open(file: Path) -> sqlite3.Connection:
    try:
        return _connect(file)
    except sqlite3.DatabaseError as error:
        if not _damaged(error):
            raise
        _discard(file)
        return _connect(file)


def _connect(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            connection.close()
            _discard(file)
            return _connect(file)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if version == 0:
            connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _discard(file: Path) -> None:
    for end in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            file.with_name(file.name + end).unlink()


def _damaged(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _storage(error: Exception) -> StorageError:
    return StorageError(
        f"The index of the pictures could not be written: {error}.",
        "Make room on the disk that holds the data folder, and check that it can be written.",
    )
