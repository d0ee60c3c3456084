"""The parts of a PNG, a JPEG and a WebP, as offsets into the bytes of the file.

PNG specification (W3C, third edition, section 5.3), ITU-T T.81, annex B, and the WebP container
specification. Files in the wild are cut off and lie about lengths: a walk ends where the file is
no longer what it says, and looks at a bounded number of parts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.metadata.png import SIGNATURE

JPEG = b"\xff\xd8\xff"

SCAN, END = 0xDA, 0xD9
"""JPEG markers: the pixels begin; the picture ends."""
APP1, APP2 = 0xE1, 0xE2
"""JPEG markers: EXIF stands in the first, a colour profile in the second."""

_PART_LIMIT = 10_000
"""Segments or chunks that are looked at; a camera writes about ten."""
_BARE_MARKERS = (0x01, *range(0xD0, 0xD8))


class Segment(NamedTuple):
    """A marker segment of a JPEG: its first byte, its body, the first byte after it."""

    marker: int
    start: int
    body: int
    end: int


class Chunk(NamedTuple):
    """A chunk of a PNG or WebP: its first byte, its body and where that ends."""

    kind: bytes
    start: int
    body: int
    end: int


def is_webp(data: bytes) -> bool:
    """Whether a file says that it is a WebP."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def jpeg_segments(data: bytes) -> Iterator[Segment]:
    """The segments in front of the pixels, and the one with which these begin."""
    position = 2
    for _ in range(_PART_LIMIT):
        if data[position : position + 1] != b"\xff" or position + 4 > len(data):
            return
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4])
        if marker == 0xFF:  # fill
            position += 1
        elif marker in _BARE_MARKERS:
            position += 2
        elif marker == END or length < 2:
            return
        else:
            end = position + 2 + length
            yield Segment(marker, position, position + 4, end)
            if marker == SCAN:
                return
            position = end


def webp_chunks(data: bytes) -> Iterator[Chunk]:
    """The chunks of a WebP; the last one may reach past the end of a file cut off."""
    position = 12
    for _ in range(_PART_LIMIT):
        head = data[position : position + 8]
        if len(head) < 8:
            return
        kind, length = struct.unpack("<4sI", head)
        yield Chunk(kind, position, position + 8, position + 8 + length)
        position += 8 + length + length % 2


def png_chunks(data: bytes) -> Iterator[Chunk]:
    """The whole chunks of a PNG, however many: pixels may come in very small pieces."""
    position = len(SIGNATURE)
    while len(head := data[position : position + 8]) == 8:
        length, kind = struct.unpack(">I4s", head)
        end = position + 8 + length
        if end + 4 > len(data):
            return
        yield Chunk(kind, position, position + 8, end)
        position = end + 4
