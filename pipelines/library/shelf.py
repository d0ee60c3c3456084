"""One folder of the library, and what is in it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipelines.library.cache import Cache
from pipelines.library.entry import Problem
from pipelines.library.examine import Examiner
from pipelines.library.item import Item
from pipelines.library.layouts import Folder, Program, adopt, program_of
from pipelines.library.text import file_name
from pipelines.library.walk import Found, walk

BATCH_SECONDS = 0.25
"""How long newly examined files wait before they are listed and written to the cache."""

STALLED_SECONDS = 2.0
"""Without a sign of life for so long, a folder counts as slow."""

WORK_SECONDS, PAUSE_SECONDS = 0.004, 0.001
"""A scan works and pauses in turn, so that the page is answered meanwhile."""

GENTLE_PAUSES = 10.0
"""Or so many times as long as it worked, where others in this process come first."""


class Shelf:
    """Scans what a path stands for in a thread of its own, so that a dead network disk holds up
    no one. Until its first scan it holds what the cache knows.

    `generation` counts up whenever `items` changed. A scan ends early once `stop()`, and takes
    little time from others while `gentle()`. It finds out as well whether there is anything at
    the path (`is_there`), and whose folder it is (`program`).
    """

    def __init__(
        self,
        path: Path,
        examiner: Examiner,
        cache: Cache,
        settle: float,
        follow_links: bool = False,
        stop: Callable[[], bool] = lambda: False,
        gentle: Callable[[], bool] = lambda: False,
    ) -> None:
        self.path = path
        self.generation = 0
        self.program: Program | None = None
        self.is_there: bool | None = None
        self._examiner = examiner
        self._cache = cache
        self._settle = settle
        self._follow_links = follow_links
        self._stop = stop
        self._gentle = gentle
        self._items: dict[str, Item] = {}
        self._left = self._unlisted = 0
        self._alive_at = 0.0
        self._lock = threading.Lock()
        self._thread = threading.Thread()
        self.recall()

    @property
    def scanning(self) -> bool:
        """Whether a scan is going on."""
        return self._thread.is_alive()

    @property
    def stalled(self) -> bool:
        """Whether a scan is going on that has not moved for a while."""
        return self.scanning and time.monotonic() - self._alive_at > STALLED_SECONDS

    @property
    def total(self) -> int:
        """Files found, examined or not."""
        return len(self._items) + self._unlisted

    @property
    def left(self) -> int:
        """Files of them that the scan has yet to examine."""
        return self._left

    def recall(self) -> None:
        """Take what the cache knows, and look at nothing."""
        self._publish(self._cache.items(self.path))

    def start(self) -> None:
        """Begin a scan."""
        self._alive_at = time.monotonic()
        self._thread = threading.Thread(target=self._scan, name="shelf", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the scan to end, at most so long."""
        self._thread.join(max(0.0, seconds))

    def items(self) -> dict[str, Item]:
        """What has been found so far, by path."""
        with self._lock:
            return dict(self._items)

    def _publish(self, items: dict[str, Item]) -> None:
        with self._lock:
            if items != self._items:
                self._items = items
                self.generation += 1

    def _scan(self) -> None:
        now = time.time()
        self.is_there, self.program = os.path.exists(self.path), program_of(self.path)
        known = self.items()
        items: dict[str, Item] = {}
        unknown: list[tuple[Folder, Found]] = []
        # To find that two are the very same is faster than to compare them.
        folders = {item.folder: item.folder for item in known.values()}
        for folder in adopt(self.path):
            folder = folders.get(folder, folder)
            for found in walk(str(folder.path), self._follow_links):
                self._alive_at = time.monotonic()
                old = known.get(found.path)
                if old is None or not _is_still(old, folder, found):
                    unknown.append((folder, found))
                elif old.folder != folder or not old.found.looks_like(found):
                    old = Item(folder, found, old.facts)
                if old is not None:
                    items[found.path] = old
        self._publish(items)
        # Checkpoints are the largest files, and without one nothing can be painted.
        unknown.sort(key=lambda each: each[1].stamp.size, reverse=True)
        self._examine(unknown, now)
        if (items or unknown) and not self._stop():
            # What is empty now may be a disk that is not plugged in.
            self._cache.forget_items(self.path, known.keys() - items.keys())

    def _examine(self, unknown: list[tuple[Folder, Found]], now: float) -> None:
        self._left = len(unknown)
        self._unlisted = sum(found.path not in self._items for _, found in unknown)
        batch: list[Item] = []
        listed = paused = time.monotonic()
        for folder, found in unknown:
            batch.append(self._item(folder, found, now))
            self._alive_at = moment = time.monotonic()
            if moment - listed > BATCH_SECONDS:
                self._list(batch)
                batch, listed = [], time.monotonic()
            if moment - paused > WORK_SECONDS:
                gentle = GENTLE_PAUSES * (moment - paused)
                time.sleep(gentle if self._gentle() else PAUSE_SECONDS)
                paused = time.monotonic()
            if self._stop():
                break
        self._list(batch)
        self._left = self._unlisted = 0

    def _list(self, batch: list[Item]) -> None:
        if not batch:
            return
        items = {**self._items, **{item.found.path: item for item in batch}}
        self._unlisted -= len(items) - len(self._items)
        self._left -= len(batch)
        self._publish(items)
        self._cache.keep_items(self.path, batch)

    def _item(self, folder: Folder, found: Found, now: float) -> Item:
        facts = self._examiner.facts(found, folder.role)
        age = now - found.stamp.mtime_ns / 1e9
        if not found.is_model or not 0 <= age < self._settle:
            return Item(folder, found, facts)
        changing = Problem(
            f"{file_name(found.path)} is still being copied.", "Wait until it is complete."
        )
        return Item(folder, found, replace(facts, problem=changing), pending=True)


def _is_still(item: Item, folder: Folder, found: Found) -> bool:
    """Whether this is what the item was made of. What is wrong with a file may be put right
    without a trace in its size or time: only its change of status tells."""
    same = item.found.stamp == found.stamp and item.folder.role == folder.role and found.is_model
    if not same or item.pending or item.found.state != found.state:
        return False
    return item.facts.problem is None or 0 != item.found.changed_ns == found.changed_ns
