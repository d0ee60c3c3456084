"""A picture's file without what is not needed to see it: no decoder is given texts or previews.

What is known of a picture besides its pixels, its colour profile and how the camera was held, is
read here, tolerantly: what is damaged is passed over and told.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipelines.metadata import exif
from pipelines.metadata.containers import (
    APP2,
    SCAN,
    Segment,
    jpeg_segments,
    png_chunks,
    webp_chunks,
)
from pipelines.metadata.png import SIGNATURE

PROFILE_LIMIT = 4 * 2**20
"""Bytes of a colour profile; those of printing presses have up to three million."""
EXIF_LIMIT = 2**20

_SEEN = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
"""Chunks of a PNG that make its first frame."""
_PROFILE = b"ICC_PROFILE\0"
_JFIF, _ADOBE, _COMMENT = 0xE0, 0xEE, 0xFE
_DROPPED = frozenset((*range(_JFIF + 1, _ADOBE), 0xEF, _COMMENT))
_BAD_EXIF = "What the camera noted (EXIF) is damaged and was passed over."
_BAD_PROFILE = "Its colour profile is damaged and was passed over: colours are taken as sRGB."


@dataclass(frozen=True)
class Bare:
    """A file of the same kind with the pixels alone, and what the rest said of them.

    `orientation` is EXIF's, 1 to 8.
    """

    pixels: bytes
    profile: bytes | None = None
    orientation: int = 1
    notices: tuple[str, ...] = ()


def bare(data: bytes, kind: str) -> Bare:
    """The picture in a file of that kind. Never raises."""
    return _READERS.get(kind, Bare)(data)


def _png(data: bytes) -> Bare:
    parts, profile, camera, standard = [SIGNATURE], None, b"", False
    for chunk in png_chunks(data):
        if chunk.kind in _SEEN:
            parts.append(data[chunk.start : chunk.end + 4])
        elif chunk.kind == b"iCCP":
            profile = _unpacked(data[chunk.body : chunk.end])
        elif chunk.kind == b"eXIf":
            camera = data[chunk.body : min(chunk.end, chunk.body + EXIF_LIMIT + 1)]
        standard = standard or chunk.kind == b"sRGB"
        if chunk.kind == b"IEND":
            break
    return _bare(b"".join(parts), None if standard else profile, camera)


def _unpacked(body: bytes) -> bytes:
    """The profile of an iCCP chunk; nothing where it is damaged or too large."""
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(body.partition(b"\0")[2][1:], PROFILE_LIMIT)
    except zlib.error:
        return b""
    return profile if inflater.eof else b""


def _jpeg(data: bytes) -> Bare:
    parts, profile, position = [data[:2]], [], len(data)
    for segment in jpeg_segments(data):
        if segment.marker == SCAN:
            position = segment.start
            break
        if segment.marker == APP2 and data.startswith(_PROFILE, segment.body):
            profile.append(segment)
        if segment.marker not in _DROPPED:
            parts.append(data[segment.start : segment.end])
    parts.append(data[position:])
    return _bare(b"".join(parts), _joined(data, profile), exif.jpeg_block(data))


def _joined(data: bytes, segments: Iterable[Segment]) -> bytes | None:
    """A profile from its numbered parts (ICC.1:2022, B.4); nothing where one of them lacks."""
    head = len(_PROFILE)
    bodies = sorted(data[segment.body + head : segment.end] for segment in segments)
    if not bodies:
        return None
    whole = [body[0] for body in bodies if len(body) > 1] == list(range(1, len(bodies) + 1))
    return b"".join(body[2:] for body in bodies) if whole else b""


def _webp(data: bytes) -> Bare:
    found = (data[c.body : c.end] for c in webp_chunks(data) if c.kind == b"ICCP")
    return _bare(data, next(found, None), exif.webp_block(data))


def _bare(pixels: bytes, profile: bytes | None, camera: bytes) -> Bare:
    notices, turned = [], 1
    if camera:
        turned = exif.orientation(camera) if len(camera) <= EXIF_LIMIT else None
        if turned is None:
            notices.append(_BAD_EXIF)
    if profile is not None and not 128 <= len(profile) <= PROFILE_LIMIT:
        profile = None
        notices.append(_BAD_PROFILE)
    return Bare(pixels, profile, turned or 1, tuple(notices))


_READERS: dict[str, Callable[[bytes], Bare]] = {"PNG": _png, "JPEG": _jpeg, "WebP": _webp}
