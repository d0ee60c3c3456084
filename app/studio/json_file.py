"""A file of JSON in the data folder: read when the studio starts, written as a whole."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from app.studio.whole import write_whole
from pipelines.errors import StorageError

_T = TypeVar("_T")

log = logging.getLogger(__name__)


class JsonFile:
    """The file `path`, which keeps `what` (a noun in the artist's words) in `limit` bytes."""

    def __init__(self, path: Path, what: str, limit: int) -> None:
        self._path = path
        self._what = what
        self._limit = limit

    def read(self, parse: Callable[[Any], _T], empty: _T) -> _T:
        """What `parse` makes of its data; `empty` where there is no file.

        A file that `parse` does not understand (it raises ValueError, TypeError, KeyError or
        AttributeError) is set aside. Raises StorageError for one that may not be read.
        """
        try:
            if self._path.stat().st_size > self._limit:
                raise ValueError("it is too long")
            return parse(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return empty
        except OSError as error:
            raise StorageError(
                f"{self._path} cannot be read: {error.strerror}.",
                "Allow reading it, or choose another folder with --data.",
            ) from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            aside = self._path.with_name(
                f"{self._path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
            )
            self._path.replace(aside)
            log.warning("%s was not understood (%s); it is kept as %s", self._path, error, aside)
            return empty

    def write(self, data: Any) -> None:
        """Keep `data`, or, raising StorageError, what was kept before."""
        try:
            write_whole(self._path, json.dumps(data, indent=1).encode())
        except OSError as error:
            raise StorageError(
                f"The {self._what} could not be kept: {error.strerror}.",
                "Make room on the disk that holds the data folder, and check that it can be "
                "written.",
            ) from error
