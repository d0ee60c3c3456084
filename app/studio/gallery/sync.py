"""Brings the index up to the folder: a little at once, the rest in the background.

A folder of a day whose time has not changed since it was read whole is not read again: it costs one
`stat`. Of the others only new and changed files are opened, newest first, so that what the artist
looks at is there before the rest.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from app.studio.gallery.favourites import Favourites
from app.studio.gallery.folder import Folder
from app.studio.gallery.index import Index, Row
from app.studio.gallery.info import read_info
from pipelines.errors import StudioError

log = logging.getLogger(__name__)

AT_ONCE_SECONDS = 0.15
"""How long a reader waits for the index to catch up."""

BATCH = 100
REST_SECONDS = 0.01
"""Between two batches in the background, so that the page has the processor, too."""

SETTLED_NS = 2_000_000_000
"""A folder changed less than 2 s ago may change again without a new time: FAT counts in 2 s."""


class Sync:
    """Reads what is new in `folder` into `index`; `on_change` is called whenever it changed."""

    def __init__(
        self, folder: Folder, index: Index, favourites: Favourites, on_change: Callable[[], None]
    ) -> None:
        self._folder = folder
        self._index = index
        self._favourites = favourites
        self._on_change = on_change
        self._reading = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="gallery", daemon=True)

    def start(self) -> None:
        """Catch up in the background, now and whenever more is found than can be read at once."""
        self._thread.start()
        self.wake()

    def close(self) -> None:
        """Stop reading; what is left is read after the next start."""
        self._closing.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Look into the folder soon."""
        self._wake.set()

    def look(self) -> None:
        """Catch up with the folder, or, where that takes longer, leave the rest to the thread."""
        if not self._reading.acquire(blocking=False):
            return
        try:
            deadline = time.monotonic() + AT_ONCE_SECONDS
            with _logged():
                for _ in self._steps():
                    if time.monotonic() > deadline:
                        self.wake()
                        return
        finally:
            self._reading.release()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._closing.is_set():
                return
            with _logged(), self._reading:
                for _ in self._steps():
                    if self._closing.wait(REST_SECONDS):
                        return

    def _steps(self) -> Iterator[None]:
        """Catch up; yields after each batch of files."""
        favourites = self._favourites.all()
        self._report(self._index.favour(favourites))
        days, times = self._folder.days(), self._index.times()
        for day in self._index.folders() - days.keys():
            self._report(self._index.remove(day, self._index.files(day)))
        for day, mtime_ns in days.items():
            if times.get(day) != mtime_ns:
                yield from self._read(day, mtime_ns, favourites)

    def _read(self, day: str, mtime_ns: int, favourites: Collection[str]) -> Iterator[None]:
        """Read a folder; `mtime_ns` is older than its list of files."""
        settled = time.time_ns() - mtime_ns > SETTLED_NS
        broken_ones = 0
        # In this order: a picture that is added meanwhile is in neither, or in the files.
        known, there = self._index.files(day), self._folder.files(day)
        self._report(self._index.remove(day, known.keys() - there.keys()))
        new = (item for item in there.items() if known.get(item[0]) != item[1])
        while batch := list(islice(new, BATCH)):
            rows = list(self._rows(day, batch, favourites))
            changed, again = self._index.put(rows)
            broken = {picture for picture, _ in batch} - {row.info.id for row in rows}
            settled = settled and day not in again
            broken_ones += len(broken)
            self._report(changed + self._index.remove(day, broken & known.keys()))
            yield
        self._index.settle(day, mtime_ns if settled else None, len(there) - broken_ones)

    def _rows(
        self, day: str, files: list[tuple[str, int]], favourites: Collection[str]
    ) -> Iterator[Row]:
        for picture, mtime_ns in files:
            info = read_info(self._folder.file(day, picture), picture in favourites)
            if info is not None:
                yield Row(info, day, mtime_ns)

    def _report(self, changed: int) -> None:
        if changed:
            self._on_change()


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """An index that cannot be written must not hide what it knows already."""
    try:
        yield
    except StudioError as error:
        log.warning("The index of the pictures is behind. %s", error)
