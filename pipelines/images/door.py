"""The parent's side of the process that decodes pictures. Imports no decoder."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from os import environ, pathsep
from pathlib import Path
from typing import BinaryIO, cast

import pipelines
from pipelines.engine.wire import BrokenFrame, Header, read_frame, write_frame
from pipelines.errors import ImageFileError
from pipelines.images.sizes import FOREIGN, Limits, admit, header_of

log = logging.getLogger(__name__)

THUMBNAIL_SIDE = 384
IDLE_SECONDS = 60.0
PATIENCE_SECONDS = 60.0
_KEPT = ("SYSTEMROOT", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True)
class Opened:
    """A picture that came through.

    `id` is the sha256 of its pixels, `thumbnail` a small JPEG, `notices` are sentences on what was
    passed over.
    """

    id: str
    width: int
    height: int
    has_alpha: bool
    notices: tuple[str, ...]
    thumbnail: bytes


class Door:
    """Opens one picture at a time. Safe to use from any thread.

    The process behind it starts with the first picture and ends when none came for a while.
    """

    def __init__(
        self, idle_seconds: float = IDLE_SECONDS, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """A picture that takes longer than `patience_seconds` is given up."""
        self._idle = idle_seconds
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._rest: threading.Timer | None = None

    @property
    def pid(self) -> int | None:
        """Process id, while there is a process."""
        process = self._process
        return process.pid if process else None

    def open(self, data: bytes, into: BinaryIO, limits: Limits = FOREIGN) -> Opened:
        """Write the picture in `data` into a file, as an upright 8-bit sRGB PNG.

        Alpha is kept, metadata is not. Raises ImageFileError, or OSError when `into` cannot be
        written.
        """
        answer, thumbnail = self._ask("open", data, limits, THUMBNAIL_SIDE, into)
        told = answer["opened"]
        return Opened(**{**told, "notices": tuple(told["notices"])}, thumbnail=thumbnail)

    def shrink(self, data: bytes, side: int, limits: Limits = FOREIGN) -> bytes:
        """A JPEG of the picture, at most `side` pixels wide and high. Raises ImageFileError."""
        return self._ask("shrink", data, limits, side)[1]

    def close(self) -> None:
        """End the process, if there is one; a picture that it is at is refused."""
        if (process := self._process) is not None:
            process.kill()
        self._retire()

    def _retire(self) -> None:
        with self._lock:
            self._end()

    def _ask(
        self, verb: str, data: bytes, limits: Limits, side: int, into: BinaryIO | None = None
    ) -> tuple[Header, bytes]:
        header = header_of(data)
        admit(header.width, header.height, limits)
        command = {"do": verb, "limits": astuple(limits), "small": side}
        with self._lock:
            last = self._exchange(command, data, into)
        if last is None:
            raise _broken_off(header.kind)
        answer, payload = last
        if "refused" in answer:
            told = answer["refused"]
            raise ImageFileError(told["message"], told["cure"])
        return answer, payload

    def _exchange(
        self, command: Header, data: bytes, into: BinaryIO | None
    ) -> tuple[Header, bytes] | None:
        """The last word of the child, or None when it died over it."""
        process = self._started()
        watchdog = threading.Timer(self._patience, process.kill)
        watchdog.start()
        last: tuple[Header, bytes] | None = None
        try:
            for answer, payload in _frames(process, command, data):
                if "part" not in answer:
                    last = answer, payload
                elif into is not None:
                    into.write(payload)
        finally:
            watchdog.cancel()
            if last is None:
                self._end()
            else:
                self._doze()
        return last

    def _started(self) -> subprocess.Popen[bytes]:
        if self._rest is not None:
            self._rest.cancel()
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipelines.images.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd=Path(pipelines.__file__).parent.parent,
                start_new_session=True,  # Ctrl+C in the terminal is for the studio
            )
        return self._process

    def _doze(self) -> None:
        self._rest = threading.Timer(self._idle, self._retire)
        self._rest.daemon = True
        self._rest.start()

    def _end(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not taken is not missed
                cast(BinaryIO, pipe).close()


def _environment() -> dict[str, str]:
    """The child's whole environment. Without a PATH no decoder finds a program to start."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    return {**kept, "PYTHONPATH": pathsep.join(filter(None, sys.path))}


def _broken_off(kind: str) -> ImageFileError:
    return ImageFileError(
        f"This {kind} could not be opened: the program that opens pictures broke off over it.",
        "Open it in another program and save it as a new PNG, then bring that.",
    )


def _frames(
    process: subprocess.Popen[bytes], command: Header, data: bytes
) -> Iterator[tuple[Header, bytes]]:
    """What the child answers, to its last word or its death."""
    started = time.monotonic()
    try:
        write_frame(cast(BinaryIO, process.stdin), command, data)
        while (frame := read_frame(cast(BinaryIO, process.stdout))) is not None:
            yield frame
            if "part" not in frame[0]:
                return
    except (OSError, BrokenFrame):
        pass
    log.warning("The process that opens pictures died after %.1f s", time.monotonic() - started)
