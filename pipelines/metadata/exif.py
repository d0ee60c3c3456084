"""The texts in the EXIF of a JPEG or WebP, read tolerantly and without decoding a pixel.

Containers: JPEG's APP1 segment (ITU-T T.81, annex B; Exif 2.32, section 4.7.2) and WebP's EXIF
chunk (WebP container specification). Inside is a TIFF (TIFF 6.0, section 2). Files in the wild are
cut off and lie about lengths: what is whole is read, the rest is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pipelines.metadata.containers import APP1, is_webp, jpeg_segments, webp_chunks
from pipelines.metadata.png import TEXT_LIMIT

DESCRIPTION, MAKE, MODEL, SOFTWARE = 0x010E, 0x010F, 0x0110, 0x0131
MAKER_NOTE, USER_COMMENT = 0x927C, 0x9286

_TAGS = frozenset({DESCRIPTION, MAKE, MODEL, SOFTWARE, MAKER_NOTE, USER_COMMENT})
"""No other value is copied: a hostile file can have many that overlap."""
_EXIF_DIRECTORY = 0x8769
_PREFIX = b"Exif\0\0"
_ORIENTATION, _SHORT = 0x0112, 3
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ONE_BYTE_EACH = (1, 2, 7)
"""Types of a value that is bytes: BYTE, ASCII, UNDEFINED."""


def read_texts(data: bytes) -> dict[int, str]:
    """The texts by tag, those of the first directory and of its Exif directory. Never raises."""
    block = webp_block(data) if is_webp(data) else jpeg_block(data)
    values = _values(block.removeprefix(_PREFIX)[:TEXT_LIMIT])
    return {
        tag: _comment(value) if tag == USER_COMMENT else _text(value)
        for tag, value in values.items()
    }


def jpeg_block(data: bytes) -> bytes:
    """The body of a JPEG's Exif segment, or nothing."""
    for segment in jpeg_segments(data):
        body = data[segment.body : segment.end]
        if segment.marker == APP1 and body.startswith(_PREFIX):
            return body
    return b""


def webp_block(data: bytes) -> bytes:
    """The body of a WebP's EXIF chunk, or nothing."""
    chunks = (chunk for chunk in webp_chunks(data) if chunk.kind == b"EXIF")
    return next((data[chunk.body : chunk.end] for chunk in chunks), b"")


def orientation(block: bytes) -> int | None:
    """How a camera was held, 1 to 8 (Exif 2.32, table 4): 1 also where an EXIF does not say.

    None where the block is not readable.
    """
    block = block.removeprefix(_PREFIX)
    order = _ORDERS.get(block[:4])
    if order is None or len(block) < 8:
        return None
    (first,) = struct.unpack_from(order + "I", block, 4)
    if first >= len(block):
        return None
    for tag, kind, count, field in _entries(block, first, order):
        if tag == _ORIENTATION and kind == _SHORT and count == 1:
            (said,) = struct.unpack_from(order + "H", field)
            return said if said in range(1, 9) else 1
    return 1


def _values(block: bytes) -> dict[int, bytes]:
    """Values by tag, as bytes; the first of a tag counts."""
    order = _ORDERS.get(block[:4])
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
