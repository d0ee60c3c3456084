"""Settings that are a JSON object, said as an infotext says them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any

VALUE_LIMIT = 1000
"""Characters of a value that has no counterpart."""


def load(text: str) -> dict[str, Any] | None:
    """The object a text holds, or None where it holds none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def fields_of(data: Mapping[str, Any], names: Mapping[str, str], idle: Set[str]) -> dict[str, str]:
    """The fields of an infotext: those in `names` under their name there, all others but the
    `idle` ones and those that say nothing under their own, spelt out."""
    fields: dict[str, str] = {}
    for key, value in data.items():
        if key in names and value is not None:
            fields[names[key]] = text_of(value)
        elif key not in idle and value not in (None, "", "None", "[]", False, 0, [], {}):
            fields[text_of(key).replace("_", " ").capitalize()] = text_of(value)[:VALUE_LIMIT]
    return fields


def text_of(value: Any) -> str:
    """A value as text; half of a pair of escapes is none."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode()
