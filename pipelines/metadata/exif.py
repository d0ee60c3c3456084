"""The texts in the EXIF of a JPEG or WebP, read tolerantly and without decoding a pixel.

Containers: JPEG's APP1 segment (ITU-T T.81, annex B; Exif 2.32, section 4.7.2) and WebP's EXIF
chunk (WebP container specification). Inside is a TIFF (TIFF 6.0, section 2). Files in the wild are
cut off and lie about lengths: what is whole is read, the rest is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pipelines.metadata.png import TEXT_LIMIT

JPEG = b"\xff\xd8\xff"

DESCRIPTION, MAKE, MODEL, SOFTWARE = 0x010E, 0x010F, 0x0110, 0x0131
MAKER_NOTE, USER_COMMENT = 0x927C, 0x9286

_TAGS = frozenset({DESCRIPTION, MAKE, MODEL, SOFTWARE, MAKER_NOTE, USER_COMMENT})
"""No other value is copied: a hostile file can have many that overlap."""
_EXIF_DIRECTORY = 0x8769
_PREFIX = b"Exif\0\0"
_PART_LIMIT = 10_000
"""Segments or chunks that are looked at; a camera writes about ten."""
_BARE_MARKERS = (0x01, *range(0xD0, 0xD8))
_SCAN, _END, _APP1 = 0xDA, 0xD9, 0xE1
_ONE_BYTE_EACH = (1, 2, 7)
"""Types of a value that is bytes: BYTE, ASCII, UNDEFINED."""


def is_webp(data: bytes) -> bool:
    """Whether a file says that it is a WebP."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read_texts(data: bytes) -> dict[int, str]:
    """The texts by tag, those of the first directory and of its Exif directory. Never raises."""
    block = _webp_block(data) if is_webp(data) else _jpeg_block(data)
    values = _values(block.removeprefix(_PREFIX)[:TEXT_LIMIT])
    return {
        tag: _comment(value) if tag == USER_COMMENT else _text(value)
        for tag, value in values.items()
    }


def _jpeg_block(data: bytes) -> bytes:
    """The body of the Exif segment, or nothing."""
    position = 2
    for _ in range(_PART_LIMIT):
        if data[position : position + 1] != b"\xff" or position + 4 > len(data):
            break
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4])
        if marker == 0xFF:  # fill
            position += 1
        elif marker in _BARE_MARKERS:
            position += 2
        elif marker in (_SCAN, _END) or length < 2:
            break
        else:
            body = data[position + 4 : position + 2 + length]
            if marker == _APP1 and body.startswith(_PREFIX):
                return body
            position += 2 + length
    return b""


def _webp_block(data: bytes) -> bytes:
    """The body of the EXIF chunk, or nothing."""
    position = 12
    for _ in range(_PART_LIMIT):
        head = data[position : position + 8]
        if len(head) < 8:
            break
        kind, length = struct.unpack("<4sI", head)
        if kind == b"EXIF":
            return data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    return b""


def _values(block: bytes) -> dict[int, bytes]:
    """Values by tag, as bytes; the first of a tag counts."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return {}
    (first,) = struct.unpack_from(order + "I", block, 4)
    directories = [first]
    for tag, kind, _, field in _entries(block, first, order):
        if tag == _EXIF_DIRECTORY and kind == 4:
            directories.append(struct.unpack(order + "I", field)[0])
    found: dict[int, bytes] = {}
    for directory in directories[:2]:
        for tag, kind, count, field in _entries(block, directory, order):
            if tag not in _TAGS or tag in found or kind not in _ONE_BYTE_EACH:
                continue
            (offset,) = struct.unpack(order + "I", field)
            if count <= 4:
                found[tag] = field[:count]
            elif offset + count <= len(block):
                found[tag] = block[offset : offset + count]
    return found


def _entries(block: bytes, offset: int, order: str) -> Iterator[tuple[int, int, int, bytes]]:
    """Tag, type, count and the four bytes of value or offset, of a directory's whole entries."""
    (count,) = struct.unpack(order + "H", block[offset : offset + 2].ljust(2, b"\0"))
    table = block[offset + 2 : offset + 2 + 12 * count]
    whole = len(table) - len(table) % 12
    yield from struct.iter_unpack(order + "HHI4s", table[:whole])


def _comment(value: bytes) -> str:
    """A UserComment: eight bytes name its encoding (Exif 2.32, table 9), if the writer knew."""
    code, body = value[:8], value[8:]
    if code == b"UNICODE\0":
        return _utf16(body)
    return _text(body if code in (b"ASCII\0\0\0", b"\0" * 8) else value)


def _utf16(body: bytes) -> str:
    """UTF-16 in either order, which no one declares: settings always hold letters of ASCII, whose
    upper byte is zero."""
    if body[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return body.decode("utf-16", "replace").rstrip("\0")
    big = body[0::2].count(0) >= body[1::2].count(0)
    return body.decode("utf-16-be" if big else "utf-16-le", "replace").rstrip("\0")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").rstrip("\0")
