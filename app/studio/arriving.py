"""Files that are on their way into the model folders, looked at until they are complete.

arriving = Arriving(catalog)
catalog.library.watch(arriving.follow)      # what was seen is followed until it is there
arriving.look()                             # there is something new
"""

from __future__ import annotations

import threading

from pipelines.catalog import Catalog


class Arriving:
    """A thread that looks into the folders while a file there is still being copied."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="arriving", daemon=True)

    def start(self) -> None:
        """Begin to look, with what is arriving already."""
        self._thread.start()
        self.follow()

    def look(self) -> None:
        """Look into the folders soon. Returns at once."""
        self._wanted.set()

    def follow(self) -> None:
        """Look again if a file is still being copied. Returns at once."""
        if any(entry.pending for entry in self._catalog.library.entries()):
            self._wanted.set()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closed.is_set():
                return
            self._catalog.rescan()
            self.follow()
            # A file is complete once it has not changed for so long.
            self._closed.wait(self._catalog.library.settle)
