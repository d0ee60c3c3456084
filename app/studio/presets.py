"""Presets: settings kept under a name, to be had back with one click.

    presets = Presets(data / "presets.json", BUNDLED)
    presets.put("Ink", Draft(steps=30, sampler="Euler a"))
    presets.get("ink").draft        # only what was kept is set
    presets.remove("Ink")           # gives it, so that it can be put back

A preset is a draft of which only some fields are set; what it leaves open stays as it is. Names
differ by more than case. The bundled ones are there at the first start, and are the artist's own
from then on.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.studio.errors import NameTaken, NotFound
from app.studio.json_file import JsonFile
from pipelines.catalog import PRESETS
from pipelines.draft import Draft, first_seed
from pipelines.errors import RequestError, StudioError
from pipelines.library.text import plain
from pipelines.recipe import Recipe, explain

log = logging.getLogger(__name__)

BUNDLED = PRESETS / "settings.json"
"""Fields of drafts by name."""

FORMAT = 1
"""Of the file; see `upgrade`."""

NAME_LIMIT = 80
"""Characters of a name."""

LIMIT = 200
"""Presets."""

FILE_LIMIT = 40_000_000
"""Bytes; as many presets with the longest prompts are shorter."""

_ODD = re.compile(r"\\|//|^/|/$|(^|/)\.{1,2}(/|$)|\ufffd")
"""What an address cannot hold; see `app.api.guard`."""

_ANY: dict[str, Any] = {"seed": 0, "size": "512x512", "checkpoint": {"name": "any"}}
"""What makes a recipe of some more fields."""


@dataclass(frozen=True)
class Preset:
    """A draft that sets only the fields that are kept."""

    name: str
    draft: Draft

    @property
    def values(self) -> dict[str, Any]:
        """The fields that are kept, as JSON has them."""
        return self.draft.model_dump(mode="json", exclude_unset=True)


class Presets:
    """The presets in `file`; it begins with those `bundled`. Safe to use from any thread.

    Opening raises StorageError when the file may not be read. A damaged one, or one of a newer
    Gesso, is set aside and a new one begun. A single preset that is not understood stays in the
    file and is not shown.
    """

    def __init__(self, file: Path, bundled: Path | None = None) -> None:
        self._file = JsonFile(file, "presets", FILE_LIMIT)
        self._lock = threading.Lock()
        own = json.loads(bundled.read_bytes()) if bundled is not None else {}
        first = _parsed({"format": FORMAT, "presets": own})
        self._all, self._strange = self._file.read(_parsed, first)

    def all(self) -> list[Preset]:
        """Every preset, by name."""
        return [preset for _, preset in sorted(self._all.items())]

    def get(self, name: str) -> Preset:
        """The preset of that name. Raises NotFound."""
        try:
            return self._all[_key(name)]
        except KeyError:
            raise NotFound(
                f"There is no preset {plain(name, NAME_LIMIT)!r}.", "Choose another one."
            ) from None

    def put(self, name: str, draft: Draft, *, replace: bool = False) -> Preset | None:
        """Keep what a draft sets; gives the preset that it takes the place of.

        Raises NameTaken when there is one of that name and it is not to be replaced, RequestError
        (naming the field) for what cannot be kept, StorageError; then nothing has changed.
        """
        preset = _checked(name, draft)
        key = _key(preset.name)
        with self._lock:
            former = self._all.get(key)
            if former is not None and not replace:
                raise NameTaken(
                    f"There is a preset {former.name!r} already.",
                    "Choose another name, or let it be replaced.",
                    "name",
                )
            if former is None and len(self._all) >= LIMIT:
                raise RequestError(
                    f"There are {LIMIT} presets already.", "Delete one that is not needed any more."
                )
            self._keep({**self._all, key: preset})
        return former

    def remove(self, name: str) -> Preset:
        """Keep a preset no longer; gives it. Raises NotFound or StorageError."""
        with self._lock:
            found = self.get(name)
            self._keep({key: other for key, other in self._all.items() if other is not found})
        return found

    def _keep(self, presets: Mapping[str, Preset]) -> None:
        """Write all presets. The lock is held."""
        values = {preset.name: preset.values for preset in presets.values()}
        self._file.write({"format": FORMAT, "presets": {**self._strange, **values}})
        self._all = presets


def upgrade(data: Any) -> dict[str, Any]:
    """Bring the data of an older file to the present format, one format at a time.

    Raises ValueError for a format newer than this Gesso, or none at all.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("it is not of a known format")
    return data


def _parsed(data: Any) -> tuple[Mapping[str, Preset], Mapping[str, Any]]:
    """The presets by key, and by name what is not understood.

    Raises ValueError, TypeError, KeyError or AttributeError for what is no file of presets.
    """
    found: dict[str, Preset] = {}
    strange: dict[str, Any] = {}
    for name, own in upgrade(data)["presets"].items():
        try:
            found[_key(name)] = _checked(name, Draft.of(own))
        except (StudioError, TypeError, AttributeError) as error:
            log.warning("The preset %r was not understood: %s", plain(name, NAME_LIMIT), error)
            strange[name] = own
    return found, strange


def _checked(name: str, draft: Draft) -> Preset:
    """Raises RequestError for a name or a value that cannot be kept."""
    if not draft.model_fields_set:
        raise RequestError("This preset holds no setting.", "Choose what it is to hold.")
    asked = {field: value for field, value in draft if value is not None}
    first_seed(asked.pop("seed", None))
    del asked["count"], asked["loras"]  # which are in range as they are
    for field in ("checkpoint", "vae"):
        if field in asked:
            asked[field] = {"name": asked[field]}
    try:
        Recipe.model_validate({**_ANY, **asked})
    except ValidationError as error:
        raise explain(error) from error
    return Preset(_named(name), draft)


def _named(name: str) -> str:
    """A name as it is kept. Raises RequestError."""
    clean = _clean(name)
    if not clean:
        raise RequestError("A preset needs a name.", "Give it one.", "name")
    if len(clean) > NAME_LIMIT:
        raise RequestError(
            f"The name is too long: {len(clean):,} characters of {NAME_LIMIT}.",
            f"Shorten it to {NAME_LIMIT} characters.",
            "name",
        )
    if _ODD.search(clean) or plain(clean) != clean:
        raise RequestError(
            f"A preset cannot be called {plain(clean)!r}.",
            "Use letters, digits and spaces.",
            "name",
        )
    return clean


def _clean(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


def _key(name: str) -> str:
    """The same for names that look the same."""
    return unicodedata.normalize("NFKC", _clean(name).casefold())
