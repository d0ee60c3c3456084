"""Pictures as files, made on the spot: honest ones, and ones that mean harm."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The file of a picture."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(width: int = 32, height: int = 16, mode: str = "RGB") -> Image.Image:
    """Four quarters of different colours, so that every turn of it looks different."""
    image = Image.new("RGB", (width, height), (200, 30, 40))
    image.paste((20, 180, 60), (width // 2, 0, width, height // 2))
    image.paste((10, 40, 220), (0, height // 2, width // 2, height))
    image.paste((240, 220, 10), (width // 2, height // 2, width, height))
    return image.convert(mode)


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    """A chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    """A PNG from its parts; `rows` are filter bytes and samples, `more` are chunks before them."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows, 9))
    return SIGNATURE + chunk(b"IHDR", header) + b"".join(more) + pixels + chunk(b"IEND")


def with_chunks(data: bytes, *more: bytes) -> bytes:
    """A PNG with chunks put in after its header."""
    return data[:33] + b"".join(more) + data[33:]


def bomb(side: int) -> bytes:
    """A PNG of one bit a pixel, all alike: 30,000 pixels a side fit in 110 KB."""
    packer, row = zlib.compressobj(9), bytes(1 + (side + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND")


def camera(orientation: int) -> bytes:
    """An EXIF block that says how the camera was held."""
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack(
        "<HHIHHI", 0x0112, 3, 1, orientation, 0, 0
    )
