"""One folder of the library, and what is in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pipelines.library.cache import Cache
from pipelines.library.entry import Facts, Problem
from pipelines.library.examine import Examiner
from pipelines.library.layouts import Folder, adopt
from pipelines.library.text import file_name
from pipelines.library.walk import Found, Stamp, walk

BATCH = 500
"""Newly examined files between two writes to the cache."""


class Item(NamedTuple):
    """Something found in a folder, and the facts about it; `pending` when it changed a moment
    ago."""

    folder: Folder
    found: Found
    facts: Facts
    pending: bool = False


class Shelf:
    """Scans what a path stands for in a thread of its own, so that a dead network disk holds up
    no one."""

    def __init__(
        self,
        path: Path,
        examiner: Examiner,
        cache: Cache,
        known: Mapping[str, tuple[Stamp, Facts]],
        settle: float,
    ) -> None:
        self.path = path
        self._examiner = examiner
        self._cache = cache
        self._known = dict(known)
        self._settle = settle
        self._items: dict[str, Item] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread()

    @property
    def scanning(self) -> bool:
        """Whether a scan is going on."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin a scan."""
        self._thread = threading.Thread(target=self._scan, name="shelf", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the scan to end, at most so long."""
        self._thread.join(max(0.0, seconds))

    def items(self) -> dict[str, Item]:
        """What has been found so far, by path."""
        with self._lock:
            return dict(self._items)

    def _scan(self) -> None:
        now = time.time()
        items: dict[str, Item] = {}
        unknown: list[tuple[Folder, Found]] = []
        for folder in adopt(self.path):
            for found in walk(str(folder.path)):
                stamp, facts = self._known.get(found.path, (None, None))
                if facts is not None and stamp == found.stamp and found.is_model:
                    items[found.path] = Item(folder, found, facts)
                else:
                    unknown.append((folder, found))
        with self._lock:
            self._items = items
        for start in range(0, len(unknown), BATCH):
            self._examine(unknown[start : start + BATCH], now)

    def _examine(self, batch: list[tuple[Folder, Found]], now: float) -> None:
        learnt: list[tuple[str, Stamp, Facts]] = []
        for folder, found in batch:
            item = self._item(folder, found, now)
            with self._lock:
                self._items[found.path] = item
            # What is wrong today may be put right without a trace in size or time.
            if item.facts.problem is None:
                learnt.append((found.path, found.stamp, item.facts))
                self._known[found.path] = found.stamp, item.facts
        if learnt:
            self._cache.keep_facts(learnt)

    def _item(self, folder: Folder, found: Found, now: float) -> Item:
        facts = self._examiner.facts(found, folder.role)
        age = now - found.stamp.mtime_ns / 1e9
        if not found.is_model or not 0 <= age < self._settle:
            return Item(folder, found, facts)
        changing = Problem(
            f"{file_name(found.path)} is still being copied.", "Wait until it is complete."
        )
        return Item(folder, found, replace(facts, problem=changing), pending=True)
