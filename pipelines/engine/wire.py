"""The frames between the studio and the engine's process, over two pipes.

A frame is a 4-byte big-endian length, that many bytes of JSON (the header, an object), and, where
the header says `"bytes": n`, n bytes more (the payload).

Studio to engine:

    {"do": "render", "job": id, "count": n, "pictures": [{"index", "file", "recipe"}, ...]}
    {"do": "convert", "job": id, "checkpoint": name}
    {"do": "cancel", "job": id}                  stop now
    {"do": "finish", "job": id}                  stop after this picture
    {"do": "skip", "job": id, "picture": id}     drop this picture, go on with the next
    {"do": "preload", "checkpoint": name or null}
    {"do": "rescan", "models": [DIR]} {"do": "close"}

Engine to studio:

    {"hello": {"device", "dtype", "threads", "versions", "bfloat16_gain"}}
                                                            once, when it can take work
    {"refused": {"message", "cure", ...}}                   instead: it cannot run as asked
    {"state": {"checkpoint", "models", ..., "loading"}}     what is loaded where: that of
                                                            `Engine.state`, and {"what", "done",
                                                            "total"} bytes on their way, or null
    {"event": {...}, "job": id}                             payload: a step's JPEG preview
"""

from __future__ import annotations

import json
import struct
import threading
from typing import Any, BinaryIO

HEADER_LIMIT = 64 * 2**20
"""Longest header in bytes: 64 recipes with the longest prompts are far below."""

PAYLOAD_LIMIT = 256 * 2**20

AFRESH = 75
"""Exit code of an engine whose device failed: it told so, and wants to be started again."""

Header = dict[str, Any]

_LENGTH = struct.Struct(">I")


class BrokenFrame(Exception):
    """The bytes are no frame: something else wrote into the pipe."""


def write_frame(stream: BinaryIO, header: Header, payload: bytes = b"") -> None:
    """Write one frame and flush it. Not safe for two threads at once: see `FrameWriter`."""
    if payload:
        header = {**header, "bytes": len(payload)}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )
    if len(text) > HEADER_LIMIT or len(payload) > PAYLOAD_LIMIT:
        raise BrokenFrame(f"A frame of {len(text)} + {len(payload)} bytes is too large.")
    stream.write(_LENGTH.pack(len(text)) + text + payload)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[Header, bytes] | None:
    """The next frame, or None at the end of the stream, also where a frame was cut short.

    Raises BrokenFrame when the bytes cannot be a frame.
    """
    prefix = stream.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(prefix)
    if length > HEADER_LIMIT:
        raise BrokenFrame(f"A header of {length} bytes: {prefix!r} is no length.")
    text = stream.read(length)
    if len(text) < length:
        return None
    header = _parse(text)
    size = header.pop("bytes", 0)
    if not isinstance(size, int) or not 0 <= size <= PAYLOAD_LIMIT:
        raise BrokenFrame(f"A payload of {size!r} bytes.")
    payload = stream.read(size) if size else b""
    return None if len(payload) < size else (header, payload)


class FrameWriter:
    """Writes whole frames to one stream from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, header: Header, payload: bytes = b"") -> None:
        """Raises OSError (a broken pipe) when the other side is gone."""
        with self._lock:
            write_frame(self._stream, header, payload)


def _parse(text: bytes) -> Header:
    try:
        header = json.loads(text.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise BrokenFrame(f"A header that is not JSON: {text[:80]!r}") from error
    if not isinstance(header, dict):
        raise BrokenFrame(f"A header that is not an object: {text[:80]!r}")
    return header
