"""Names and metadata of files are hostile text: they may be shown, never trusted."""

from __future__ import annotations

import os
from pathlib import Path

_LINE_BREAKS = "\u2028\u2029"
_DIRECTION_OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_ESCAPED = {
    point: f"\\x{point:02x}" if point < 256 else f"\\u{point:04x}"
    for point in (
        *range(0x20),
        *range(0x7F, 0xA0),
        *map(ord, _LINE_BREAKS + _DIRECTION_OVERRIDES),
        *range(0xD800, 0xE000),
    )
}


def plain(text: str, limit: int | None = None) -> str:
    """`text` on one line, in valid Unicode, its end replaced by an ellipsis past `limit`.

    Control characters, direction overrides and lone surrogates are written out as escapes;
    letters of every script, emoji and markup stay what they are.
    """
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    return text if text.isascii() and text.isprintable() else text.translate(_ESCAPED)


def file_name(path: str | Path, limit: int = 100) -> str:
    """The last part of a path, fit to be shown; bytes that are not UTF-8 show as `\\xff`."""
    return plain(decoded(os.path.basename(path)), limit)


def decoded(name: str) -> str:
    """A name as the file system gave it, its undecodable bytes written out as `\\xff`."""
    if name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "backslashreplace")
