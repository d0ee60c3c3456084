"""The process that decodes pictures from outside: files on standard input, PNGs on its output.

    python -m pipelines.images.child

Frames are those of `pipelines.engine.wire`. Asked, with the file as payload:

    {"do": "open", "limits": [pixels, side, least], "small": side}
    {"do": "shrink", "limits": [...], "small": side}

Answered, with a small JPEG as payload; for "open" the PNG comes before it, in pieces:

    {"part": true}
    {"opened": {"id", "width", "height", "has_alpha", "notices"}}   or   {"shrunk": true}
    {"refused": {"message", "cure", ...}}                           instead

The process ends when its standard input does.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from io import BytesIO
from typing import BinaryIO

from PIL import Image

from pipelines.engine.wire import Header, read_frame, write_frame
from pipelines.errors import ImageFileError
from pipelines.images.pixels import decode, digest, small, too_much
from pipelines.images.sizes import Limits, header_of

MEMORY_LIMIT = 2 * 2**30
"""Bytes of address space: three times what the largest picture needs."""
PART = 2**20
_COMPRESSION = 1
"""Four times as fast as 6, a tenth larger."""


def serve(commands: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the commands end."""
    while (frame := read_frame(commands)) is not None:
        command, data = frame
        try:
            _answer(command, data, answers)
        except ImageFileError as error:
            write_frame(answers, {"refused": error.to_dict()})
        except MemoryError:
            write_frame(answers, {"refused": too_much("picture").to_dict()})


def confine() -> None:
    """Give up what no decoder needs: files to write, and memory without end. Where it is known."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, limit in (("AS", MEMORY_LIMIT), ("FSIZE", 0), ("CORE", 0)):
        with suppress(OSError, ValueError):  # macOS refuses some
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))


def _answer(command: Header, data: bytes, answers: BinaryIO) -> None:
    limits = Limits(*command["limits"])
    image, notices = decode(data, header_of(data), limits)
    thumbnail = small(image, command["small"])
    if command["do"] == "shrink":
        write_frame(answers, {"shrunk": True}, thumbnail)
        return
    file = BytesIO()
    image.save(file, "PNG", compress_level=_COMPRESSION)
    whole = file.getbuffer()
    for start in range(0, len(whole), PART):
        write_frame(answers, {"part": True}, bytes(whole[start : start + PART]))
    opened = {
        "id": digest(image),
        "width": image.width,
        "height": image.height,
        "has_alpha": image.mode == "RGBA",
        "notices": notices,
    }
    write_frame(answers, {"opened": opened}, thumbnail)


def main() -> None:
    """Run the process."""
    Image.preinit()
    Image.MAX_IMAGE_PIXELS = None  # sizes are looked at before this would be
    confine()
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
