"""The text chunks of a PNG, read tolerantly and without decoding a pixel.

Chunk layout after the PNG specification (W3C, third edition, sections 5 and 11.3.3). Files in the
wild are cut off, carry bombs, or lie about lengths: what is whole and of a sane size is read, the
rest is passed over, checksums are not looked at.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from pipelines.errors import RecipeFileError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_LIMIT = 8 * 2**20
"""Longest text in bytes, packed or unpacked; a longer one is passed over."""

_TOTAL_LIMIT = 4 * TEXT_LIMIT
_CHUNK_LIMIT = 100_000
_TEXT_KINDS = (b"tEXt", b"zTXt", b"iTXt")


def read_texts(file: BinaryIO) -> dict[str, str]:
    """The texts of a PNG by keyword, those after the pixels too; the last of a keyword counts.

    `file` is seekable and at its start. Raises RecipeFileError only when it is not a PNG.
    """
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise RecipeFileError(
            "This file is not a PNG picture.", "Give a PNG as the program that made it saved it."
        )
    texts: dict[str, str] = {}
    total = 0
    for kind, body in _text_chunks(file):
        entry = _parse(kind, body)
        if entry is None:
            continue
        total += len(entry[1])
        if total > _TOTAL_LIMIT:
            break
        texts[entry[0]] = entry[1]
    return texts


def _text_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each whole text chunk up to the end of the picture or of the file."""
    for _ in range(_CHUNK_LIMIT):
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind not in _TEXT_KINDS or length > TEXT_LIMIT:
            file.seek(length + 4, 1)
            continue
        body = file.read(length)
        if len(body) < length:
            return
        yield kind, body
        file.seek(4, 1)


def _parse(kind: bytes, body: bytes) -> tuple[str, str] | None:
    """Keyword and text of a chunk, or None for one that breaks the rules of its kind."""
    keyword, _, rest = body.partition(b"\0")
    packed, encoding = False, "latin-1"
    if kind == b"zTXt":
        packed, rest = True, rest[1:]
    elif kind == b"iTXt":
        packed, encoding = rest[:1] == b"\1", "utf-8"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]  # language, translated keyword
    text = _unpack(rest) if packed else rest
    if text is None:
        return None
    return keyword.decode("latin-1"), text.decode(encoding, "replace")


def _unpack(packed: bytes) -> bytes | None:
    """The inflated bytes, or None when they are damaged, cut off or past the limit."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(packed, TEXT_LIMIT)
    except zlib.error:
        return None
    return text if inflater.eof else None
