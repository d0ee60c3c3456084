"""How large a picture is, read from its header in plain Python, before anything decodes it.

PNG (W3C, third edition, 11.2.1), JPEG (ITU-T T.81, B.2.2), WebP (RFC 9649), GIF89a, BMP.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from pipelines.errors import ImageFileError
from pipelines.images.kinds import kind_of
from pipelines.metadata.containers import jpeg_segments, png_chunks, webp_chunks

_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PART_LIMIT = 500_000
"""Chunks of a PNG, or blocks of a GIF, that are looked at to find out whether it is animated."""


@dataclass(frozen=True)
class Limits:
    """The largest and smallest pictures that are let in."""

    pixels: int
    side: int
    least: int


FOREIGN = Limits(pixels=40_000_000, side=8192, least=8)
"""For pictures from outside. A camera's 24 million pixels fit; the smallest is one latent."""
OWN = Limits(pixels=128_000_000, side=16383, least=1)
"""For pictures made here, upscaled ones too; the side is the longest a WebP can have."""


@dataclass(frozen=True)
class Header:
    """What the first bytes say; `animated` means that there are frames after the first."""

    kind: str
    width: int
    height: int
    animated: bool = False


def header_of(data: bytes) -> Header:
    """Kind and size of a picture. Raises ImageFileError."""
    kind = kind_of(data)
    try:
        header = _READERS[kind](data)
    except (struct.error, IndexError):
        header = None
    if header is None or header.width <= 0 or header.height <= 0:
        raise damaged(kind)
    return header


def admit(width: int, height: int, limits: Limits) -> None:
    """Raises ImageFileError when a picture is too large or too small."""
    shape = f"{width} x {height} pixels"
    if max(width, height) > limits.side:
        raise ImageFileError(
            f"This picture is too large: it has {shape}, and at most {limits.side} a side fit.",
            "Make it smaller, then bring it again.",
        )
    if width * height > limits.pixels:
        most = f"{limits.pixels / 1e6:g} million"
        raise ImageFileError(
            f"This picture is too large: it has {shape}, and at most {most} in all fit.",
            "Make it smaller, then bring it again.",
        )
    if min(width, height) < limits.least:
        raise ImageFileError(
            f"This picture is too small: it has {shape}, and each side needs {limits.least}.",
            "Choose a larger one.",
        )


def damaged(kind: str) -> ImageFileError:
    """A file of a kind that is opened, which this one does not turn out to be."""
    return ImageFileError(
        f"This {kind} is damaged or cut off.", "Save or download it again, or choose another."
    )


def _png(data: bytes) -> Header | None:
    if data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    animated = False
    for chunk in islice(png_chunks(data), _PART_LIMIT):
        if chunk.kind == b"IDAT":
            break
        animated = animated or chunk.kind == b"acTL"
    return Header("PNG", width, height, animated)


def _jpeg(data: bytes) -> Header | None:
    for segment in jpeg_segments(data):
        if segment.marker in _FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", data, segment.body + 1)
            return Header("JPEG", width, height)
    return None


def _webp(data: bytes) -> Header | None:
    for chunk in webp_chunks(data):
        body = data[chunk.body : chunk.body + 10].ljust(10, b"\0")
        if chunk.kind == b"VP8X":
            wide, high = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
            return Header("WebP", wide, high, bool(body[0] & 2))
        if chunk.kind == b"VP8L" and body[0] == 0x2F:
            packed = int.from_bytes(body[1:5], "little")
            return Header("WebP", (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1)
        if chunk.kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack("<HH", body[6:])
            return Header("WebP", width & 0x3FFF, height & 0x3FFF)
        return None
    return None


def _gif(data: bytes) -> Header:
    width, height = struct.unpack_from("<HH", data, 6)
    frames = _gif_frames(data)
    for left, top, wide, high in frames[:1]:  # a frame may reach beyond its screen
        width, height = max(width, left + wide), max(height, top + high)
    return Header("GIF", width, height, len(frames) > 1)


def _gif_frames(data: bytes) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of the first two frames."""
    frames: list[tuple[int, int, int, int]] = []
    position = 13 + _colour_table(data[10])
    left = iter(range(_PART_LIMIT))
    for _ in left:
        introducer = data[position : position + 1]
        if introducer == b"," and len(data) >= position + 11:
            frames.append(struct.unpack_from("<4H", data, position + 1))
            if len(frames) == 2:
                break
            position += 11 + _colour_table(data[position + 9])
        elif introducer == b"!":
            position += 2
        else:
            break
        for _ in left:
            size = data[position : position + 1].strip(b"\0")
            position += 1
            if not size:
                break
            position += size[0]
    return frames


def _colour_table(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _bmp(data: bytes) -> Header:
    (header_size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header_size == 12 else "<ii", data, 18)
    return Header("BMP", width, abs(height))


_READERS: dict[str, Callable[[bytes], Header | None]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "WebP": _webp,
    "GIF": _gif,
    "BMP": _bmp,
}
