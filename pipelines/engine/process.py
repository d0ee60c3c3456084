"""One run of the engine's process, and the pipes to it. Imports no torch."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from os import environ
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, cast

import pipelines
from pipelines.engine.environment import engine_environment
from pipelines.engine.wire import Header, read_frame, write_frame

LOG_BYTES = 1_000_000


class Process:
    """One run of it. `arguments` are the flags of `pipelines.engine.child`; a thread writes to it,
    so that no caller ever waits. Raises OSError where the system lets none start."""

    def __init__(self, arguments: Sequence[str], log_file: Path) -> None:
        command = [sys.executable, "-m", "pipelines.engine.child", *arguments]
        with _open_log(log_file) as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=engine_environment(environ),
                cwd=Path(pipelines.__file__).parent.parent,
                # Ctrl+C in the terminal is for the studio, which then closes the engine.
                start_new_session=True,
            )
        self._outbox: SimpleQueue[Header | None] = SimpleQueue()
        threading.Thread(target=self._write, name="engine-writer", daemon=True).start()

    def send(self, command: Header) -> None:
        """Pass a command on. Does nothing to a process that is gone."""
        self._outbox.put(command)

    def read(self) -> tuple[Header, bytes] | None:
        """The next frame, waited for; None at the end. Raises BrokenFrame."""
        return read_frame(cast(BinaryIO, self.process.stdout))

    def end(self, patience: float) -> int:
        """Make the process end within about `patience` seconds and return its exit code."""
        self.send({"do": "close"})
        self._outbox.put(None)
        for insist in (self.process.terminate, self.process.kill):
            try:
                return self.process.wait(patience)
            except subprocess.TimeoutExpired:
                insist()
                patience = 1.0
        return self.process.wait()

    def _write(self) -> None:
        stdin = cast(BinaryIO, self.process.stdin)
        try:
            while (command := self._outbox.get()) is not None:
                write_frame(stdin, command)
            stdin.close()
        except OSError:
            return  # The process is gone, which the reader notices.


def _open_log(file: Path) -> BinaryIO:
    """The log of the process, appended to; a long one is kept once under another name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > LOG_BYTES:
        file.replace(file.with_suffix(file.suffix + ".1"))
    return file.open("ab")
