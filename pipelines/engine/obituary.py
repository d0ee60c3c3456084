"""What the end of the engine's process, or its refusal to begin, means to the artist."""

from __future__ import annotations

import signal
from pathlib import Path

from pipelines.errors import EngineStopped


def obituary(code: int, again: bool) -> EngineStopped:
    """What an exit code means to the artist; `again` says that a fresh engine is starting."""
    after = "A fresh engine is starting." if again else "The next job starts it again."
    match _signal_name(code):
        case "SIGKILL":
            return EngineStopped(
                "The system ended the engine, most likely because memory ran out.",
                f"Make a smaller picture or close other programs, then run it again. {after}",
            )
        case "SIGBUS":
            return EngineStopped(
                "A model file changed or became unreadable while the engine was using it.",
                f"Let the file be copied completely, then run it again. {after}",
            )
        case None:
            return EngineStopped(
                "The engine ended by itself.",
                f"Run it again; logs/engine.log in the data folder says more. {after}",
            )
        case name:
            return EngineStopped(
                f"The engine crashed ({name}).",
                f"Run it again; logs/engine.log in the data folder says more. {after}",
            )


def not_started(error: OSError) -> EngineStopped:
    """What the system's refusal to start a process means to the artist."""
    return EngineStopped(
        f"The engine cannot be started: {error.strerror or error}.",
        "Close other programs, and check that the data folder can be written. "
        "The next job starts it again.",
    )


def tail(file: Path, size: int = 4000) -> str:
    """The last characters of a log."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - size))
            return stream.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _signal_name(code: int) -> str | None:
    try:
        return signal.Signals(-code).name if code < 0 else None
    except ValueError:
        return f"signal {-code}"
