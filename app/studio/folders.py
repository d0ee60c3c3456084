"""Where models come from: the folders in use, and those of other studios on this machine.

No path comes from the browser. It names what the server has found by an id, or has the machine
itself ask for a folder.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from operator import itemgetter
from pathlib import Path
from typing import Any

from app.settings import Settings, home, is_loopback
from app.studio.candidates import Candidate, places, search
from app.studio.errors import NotFound
from app.studio.folder_dialog import ask_folder
from app.studio.listing import shown
from app.studio.settings_file import write_models
from pipelines.catalog import Catalog
from pipelines.errors import RequestError
from pipelines.library.item import Item
from pipelines.library.shelf import Shelf
from pipelines.library.text import decoded, plain

FRESH_SECONDS = 30.0
"""For so long, what was found on the machine is not looked for again."""

PROBLEMS_TOLD = 50
"""Of so many files of a folder is told why they cannot be used."""


class Folders:
    """The model folders of a studio. Safe to use from any thread.

    `use(folders)` is called to take other folders from now on.
    """

    def __init__(
        self, settings: Settings, catalog: Catalog, use: Callable[[tuple[Path, ...]], None]
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._use = use
        self._models = settings.models
        self._key = secrets.token_bytes(16)
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._asking = threading.Lock()
        self._found: list[Candidate] = []
        self._searched_at = float("-inf")
        self._searcher = threading.Thread()

    @property
    def drop(self) -> Path:
        """The first folder in use: where a file is dropped."""
        return self._models[0] if self._models else home() / "models"

    def listing(self) -> dict[str, Any]:
        """Folders in use, candidates, whether more are being looked for, what stands against a
        change, and whether there is nothing yet but the starter. Answers at once, whatever the
        disks do."""
        self._search()
        with self._lock:
            found, used = list(self._found), self._models
        shelves = {shelf.path: shelf for shelf in self._catalog.library.shelves()}
        fixed = self._fixed()
        return {
            "drop": shown(self.drop),
            "first_run": len(used) < 2 and not self._catalog.has_own(),
            "folders": [self._in_use(path, shelves[path]) for path in used if path in shelves],
            "candidates": [self._candidate(each) for each in found if _is_new(each, used)],
            "searching": self._searcher.is_alive(),
            "fixed": fixed.to_dict() if fixed else None,
        }

    def adopt(self, candidate: str) -> None:
        """Use a folder that was found, from now on. Raises NotFound or RequestError."""
        with self._lock:
            found = [each.path for each in self._found if self._id(each.path) == candidate]
        if not found:
            raise NotFound("There is no such folder.", "Look at the list of folders again.")
        self._add(found[0])

    def choose(self) -> bool:
        """Have the artist choose a folder in a dialog of the system, and use it; whether they did.

        Raises RequestError where no dialog can be shown, or where the artist may not sit.
        """
        self._check()
        if not is_loopback(self._settings.host):
            raise RequestError(
                "A folder is chosen on the machine itself, and Gesso is open to the network.",
                self._by_hand(),
            )
        if not self._asking.acquire(blocking=False):
            raise RequestError("The dialog is open already.", "Look for it among the windows.")
        try:
            chosen = ask_folder("Folder of models", self._by_hand())
        finally:
            self._asking.release()
        if chosen is None:
            return False
        self._add(chosen)
        return True

    def remove(self, folder: str) -> None:
        """Use a folder no longer; its files stay. Raises NotFound or RequestError."""
        with self._changing:
            kept = tuple(path for path in self._models if self._id(path) != folder)
            if kept == self._models:
                raise NotFound("There is no such folder.", "Look at the list of folders again.")
            self._change(kept)

    def _add(self, path: Path) -> None:
        with self._changing:
            if path in self._models:
                raise RequestError("This folder is in use already.", "Choose another one.")
            self._change((*self._models, path))

    def _change(self, folders: tuple[Path, ...]) -> None:
        self._check()
        write_models(self._settings.data, folders)
        with self._lock:
            self._models = folders
        self._use(folders)

    def _check(self) -> None:
        if (fixed := self._fixed()) is not None:
            raise fixed

    def _fixed(self) -> RequestError | None:
        if "models" not in self._settings.given:
            return None
        return RequestError(
            "The model folders were named with --models or GESSO_MODELS, which win.",
            f"Start Gesso without it, or name the folder there, too. {self._by_hand()}",
        )

    def _by_hand(self) -> str:
        named = " ".join(f'--models "{shown(path)}"' for path in self._models)
        return f"Name it when Gesso starts: gesso {named} --models FOLDER"

    def _search(self) -> None:
        with self._lock:
            stale = time.monotonic() - self._searched_at > FRESH_SECONDS
            if stale and not self._searcher.is_alive():
                self._searched_at = time.monotonic()
                self._searcher = threading.Thread(target=self._look, name="search", daemon=True)
                self._searcher.start()

    def _look(self) -> None:
        found: list[Candidate] = []
        for candidate in search(places(Path.home(), home())):
            found.append(candidate)
            with self._lock:
                # What was found before stays until the search is over.
                known = {each.path for each in found}
                self._found = found + [each for each in self._found if each.path not in known]
        with self._lock:
            self._found = found

    def _in_use(self, path: Path, shelf: Shelf) -> dict[str, Any]:
        items = shelf.items().values()
        roles = Counter(item.facts.role for item in items)
        problems = _problems(items)
        return {
            "id": self._id(path),
            "path": shown(path),
            "program": shelf.program or ("gesso" if path == home() / "models" else None),
            "counts": dict(roles),
            "broken": len(problems),
            "problems": problems[:PROBLEMS_TOLD],
            "reachable": False if shelf.stalled else shelf.is_there,
            "scanning": shelf.scanning,
        }

    def _candidate(self, candidate: Candidate) -> dict[str, Any]:
        return {
            "id": self._id(candidate.path),
            "path": shown(candidate.path),
            "program": candidate.program,
            "counts": dict(+candidate.counts),
        }

    def _id(self, path: Path) -> str:
        return hashlib.blake2b(os.fsencode(path), digest_size=12, key=self._key).hexdigest()


def _problems(items: Iterable[Item]) -> list[dict[str, str]]:
    """The files that cannot be used, by name, and why."""
    found = [
        {"file": plain(decoded(item.found.parts[-1])), **problem._asdict()}
        for item in items
        if (problem := item.facts.problem) and not item.pending
    ]
    return sorted(found, key=itemgetter("file"))


def _is_new(candidate: Candidate, used: tuple[Path, ...]) -> bool:
    """Whether nothing of it is in use, and it is not this very Gesso."""
    return candidate.path != home() and not any(
        path == candidate.path or candidate.path in path.parents for path in used
    )
