"""The workspace: what the artist has in front of them, kept as it changes.

    workspace = Workspace(data / "workspace.json")
    workspace.declare({"shared": {"prompt": "text"}, "text-to-image": {"steps": "number"}})
    workspace.change("text-to-image", Change(values={"steps": 30}))
    workspace.snapshot()    # {"version": 1, "tab": None, "tabs": {"shared": ..., ...}}

It belongs to the studio, not to a browser: whoever opens the page finds the form, the open picture
and the tab as they were left. The rules for several pages at once:

- Of each field the value that was sent last counts, and of each tab the picture.
- A page that opens shows what is kept here. One that is looked at again takes over the fields
  that another page has changed, but none whose own change has not arrived here; the tab and the
  picture it was left at stay.
- Two pages that are both being looked at do not follow each other: nobody's text moves while it
  is being typed.

Each change is on disk before `change` returns, so that no end of the process loses it. What is kept
of fields that are not declared any more, or not of their kind, is not shown, and not lost.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.studio.errors import NotFound
from app.studio.gallery import PICTURE_ID
from app.studio.json_file import JsonFile
from pipelines.errors import RequestError
from pipelines.library.text import plain

FORMAT = 1
"""Of the file; see `upgrade`."""

TEXT_LIMIT = 100_000
"""Characters of one value: ten times the longest prompt that is painted."""

NUMBER_LIMIT = 2**64

FILE_LIMIT = 16_000_000
"""Bytes; a longer file was not written here."""

Kind = Literal["text", "number"]
"""What a field holds: text, or a finite number or None."""

Value = str | int | float | None

_ASSET = re.compile(r"[0-9a-f]{64}")
_NAME_SHOWN = 40


class Change(BaseModel):
    """New values for some fields of one tab, and another open picture if that is given at all."""

    model_config = ConfigDict(extra="forbid")

    values: dict[str, Any] = Field(
        default_factory=dict, description="By field: text, a number, or null"
    )
    picture: str | None = Field(
        default=None, description="Id of the open picture; null: always the newest"
    )


@dataclass(frozen=True)
class _Sheet:
    """What is kept of one tab."""

    values: Mapping[str, Value] = field(default_factory=dict)
    picture: str | None = None


@dataclass(frozen=True)
class _State:
    version: int = 0
    tab: str | None = None
    sheets: Mapping[str, _Sheet] = field(default_factory=dict)


class Workspace:
    """The workspace in `file`, written as a whole and then renamed. Safe to use from any thread.

    Opening raises StorageError when the file may not be read. A damaged one, or one of a newer
    Gesso, is set aside and a new one begun.
    """

    def __init__(self, file: Path) -> None:
        self._file = JsonFile(file, "form", FILE_LIMIT)
        self._lock = threading.Lock()
        self._known: Mapping[str, Mapping[str, Kind]] = {}
        self._state = self._file.read(_state, _State())

    @property
    def version(self) -> int:
        """Grows with each change, also from one start to the next."""
        return self._state.version

    def declare(self, tabs: Mapping[str, Mapping[str, Kind]]) -> None:
        """Say which tabs there are, and which fields of what kind each of them has."""
        self._known = tabs

    def snapshot(self) -> dict[str, Any]:
        """`{version, tab, tabs: {name: {values, picture}}}` of the declared tabs.

        `tab` is the chosen one, None before any was. A field without a value has its default.
        """
        state = self._state
        return {
            "version": state.version,
            "tab": state.tab if state.tab in self._known else None,
            "tabs": {name: self._shown(name, state) for name in self._known},
        }

    def change(self, tab: str, change: Change) -> int:
        """Keep a change; gives the new version.

        Raises NotFound for a tab that is not declared, RequestError (naming the field) for a
        value that cannot be kept, StorageError; then nothing has changed.
        """
        fields = self._fields(tab)
        values = {name: _checked(name, value, fields) for name, value in change.values.items()}
        if change.picture is not None and not PICTURE_ID.fullmatch(change.picture):
            raise NotFound("There is no such picture.", "Choose another one.")
        with self._lock:
            sheet = self._state.sheets.get(tab, _Sheet())
            sheet = replace(sheet, values={**sheet.values, **values})
            if "picture" in change.model_fields_set:
                sheet = replace(sheet, picture=change.picture)
            return self._keep(replace(self._state, sheets={**self._state.sheets, tab: sheet}))

    def choose(self, tab: str) -> int:
        """Keep which tab is chosen; gives the new version. Raises NotFound or StorageError."""
        self._fields(tab)
        with self._lock:
            return self._keep(replace(self._state, tab=tab))

    def forget(self) -> int:
        """Begin anew; the next page to open shows defaults. Raises StorageError."""
        with self._lock:
            return self._keep(_State(self._state.version))

    def assets(self) -> set[str]:
        """The ids of all assets that a value names, of fields no longer declared, too."""
        sheets = self._state.sheets.values()
        texts = (value for sheet in sheets for value in sheet.values.values())
        return {text for text in texts if isinstance(text, str) and _ASSET.fullmatch(text)}

    def _fields(self, tab: str) -> Mapping[str, Kind]:
        if tab not in self._known:
            raise NotFound(f"There is no tab {plain(tab, _NAME_SHOWN)!r}.", "Reload the page.")
        return self._known[tab]

    def _shown(self, tab: str, state: _State) -> dict[str, Any]:
        fields, sheet = self._known[tab], state.sheets.get(tab, _Sheet())
        values = {
            name: value
            for name, value in sheet.values.items()
            if name in fields and _is(value, fields[name])
        }
        return {"values": values, "picture": sheet.picture}

    def _keep(self, state: _State) -> int:
        """Write a new state, if it is one. The lock is held."""
        if state != self._state:
            state = replace(state, version=state.version + 1)
            self._file.write(_data(state))
            self._state = state
        return state.version


def upgrade(data: Any) -> dict[str, Any]:
    """Bring the data of an older file to the present format, one format at a time.

    Raises ValueError for a format newer than this Gesso, or none at all.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("it is not of a known format")
    return data


def _checked(name: str, value: Any, fields: Mapping[str, Kind]) -> Value:
    if name not in fields:
        shown = plain(name, _NAME_SHOWN)
        raise RequestError(f"There is no field {shown!r}.", "Reload the page.", name)
    if not _is(value, fields[name]):
        wanted = {"text": "a text", "number": "a number"}[fields[name]]
        raise RequestError(f"{name!r} is not {wanted}.", f"Send {wanted}.", name)
    if not isinstance(value, str):
        return value
    if len(value) > TEXT_LIMIT:
        raise RequestError(
            f"{name!r} is too long to be kept: {len(value):,} characters.",
            f"Shorten it to {TEXT_LIMIT:,}.",
            name,
        )
    # Half a character, which a browser can send, can be written to no file.
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is(value: Any, kind: Kind) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if value is None:
        return True
    return type(value) in (int, float) and abs(value) < NUMBER_LIMIT  # no comparison is true of nan


def _state(data: Any) -> _State:
    """Raises ValueError, TypeError, KeyError or AttributeError for what `_data` does not give."""
    data = upgrade(data)
    sheets = {}
    for tab, sheet in data["tabs"].items():
        values, picture = dict(sheet["values"]), sheet["picture"]
        if not all(_is(value, "text") or _is(value, "number") for value in values.values()):
            raise ValueError("it holds values of no kind")
        if picture is not None and not PICTURE_ID.fullmatch(picture):
            raise ValueError("it holds what is no picture")
        sheets[tab] = _Sheet(values, picture)
    if not isinstance(data["version"], int) or not isinstance(data["tab"], str | None):
        raise ValueError("it holds no version")
    return _State(data["version"], data["tab"], sheets)


def _data(state: _State) -> dict[str, Any]:
    tabs = {
        name: {"values": dict(sheet.values), "picture": sheet.picture}
        for name, sheet in state.sheets.items()
    }
    return {"format": FORMAT, "version": state.version, "tab": state.tab, "tabs": tabs}
