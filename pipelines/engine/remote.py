"""The studio's side of the engine's process. Imports no torch.

    engine = EngineProcess(["--device", "cpu"], log_file, on_event, on_state)
    engine.start()
    engine.begin(job, {"do": "render", ...})    # events follow through on_event, from a thread

`free` ends the process, and with it whatever memory it had; the next job starts a fresh one.

A process that dies fails the job it had, with a plain sentence, and is replaced at once. After
three deaths in a row within a minute it stays down until it is asked for something again. One that
ends because its device failed has said so, and is replaced without being counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from pipelines.engine.obituary import not_started, obituary, tail
from pipelines.engine.process import Process
from pipelines.engine.wire import AFRESH, BrokenFrame, Header
from pipelines.errors import EngineStopped
from pipelines.events import EVENTS, Cancelled, Event, Failed, Finished, Step

log = logging.getLogger(__name__)

CRASH_LIMIT = 3
CRASH_WINDOW = 60.0
CLOSE_SECONDS = 2.0


@dataclass(frozen=True)
class EngineState:
    """What the engine is doing as a whole; `error` says why it is stopped.

    "free" has no process, until there is a job. `models` is what is loaded where, None before that
    is known: see `pipelines.engine.wire`. `freeing`: free as soon as the present job has ended.
    """

    state: Literal["starting", "ready", "stopped", "free"] = "stopped"
    device: str | None = None
    dtype: str | None = None
    models: Mapping[str, Any] | None = None
    freeing: bool = False
    error: EngineStopped | None = None

    @property
    def checkpoint(self) -> str | None:
        """Name of the checkpoint that is in use."""
        return self.models["checkpoint"] if self.models else None


class EngineProcess:
    """Keeps one engine process running and passes jobs to it, one at a time.

    `arguments` are the flags of `pipelines.engine.child`. `on_event(job, event)` and `on_state()`
    are called from a thread of this object; they must not block for long.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        log_file: Path,
        on_event: Callable[[str, Event], None],
        on_state: Callable[[], None],
    ) -> None:
        self._arguments = list(arguments)
        self._log_file = log_file
        self._on_event = on_event
        self._on_state = on_state
        self._lock = threading.RLock()
        self._child: Process | None = None
        self._state = EngineState()
        self._hello: Header = {}
        self._job: str | None = None
        self._wanted: str | None = None
        self._preload_asked = False
        self._rescan: Header | None = None
        self._crashes: list[float] = []
        self._refused: EngineStopped | None = None
        self._closed = False

    @property
    def state(self) -> EngineState:
        """How the engine is now."""
        return self._state

    @property
    def hello(self) -> Header:
        """What the engine said of itself when it was ready: device, dtype, threads, versions."""
        return self._hello

    @property
    def pid(self) -> int | None:
        """Process id, while there is a process."""
        child = self._child
        return child.process.pid if child else None

    def start(self) -> None:
        """Start the process unless it runs already. Returns at once."""
        with self._lock:
            self._ensure()
        self._on_state()

    def revive(self) -> None:
        """Forget past crashes and start again if they had stopped the engine."""
        with self._lock:
            if self._state.error is None:
                return
            self._crashes.clear()
        self.start()

    def preload(self, checkpoint: str | None) -> None:
        """Have a checkpoint ready before it is asked for; None is the default one."""
        with self._lock:
            self._preload_asked, self._wanted = True, checkpoint
            self._send({"do": "preload", "checkpoint": checkpoint})

    def begin(self, job: str, command: Header) -> None:
        """Begin a job (see `pipelines.engine.wire`). Starts the process if need be.

        Raises EngineStopped when the system lets none start.
        """
        with self._lock:
            self._ensure()
            if self._state.error is not None:
                raise self._state.error
            self._job = job
            self._send({**command, "job": job})
        self._on_state()

    def cancel(self, job: str) -> None:
        """Stop a job at its next step. Does nothing to a job that is not running."""
        self._wish(job, "cancel")

    def finish(self, job: str) -> None:
        """Stop a job that runs after the picture it is at."""
        self._wish(job, "finish")

    def skip(self, job: str, picture: str) -> None:
        """Have a job that runs go on with its next picture, unless this one is saved already."""
        self._wish(job, "skip", picture=picture)

    def rescan(self, models: Sequence[Path]) -> None:
        """Have the engine look into these model folders, now and whenever it is started again."""
        with self._lock:
            self._rescan = {"do": "rescan", "models": [str(folder) for folder in models]}
            self._send(self._rescan)

    def free(self) -> None:
        """Give back all memory, by ending the process: now, or after the job that runs.

        It stays down until `start` or `begin` is called. Takes five seconds at most.
        """
        with self._lock:
            idle = self._job is None
            child = self._let_go() if idle else None
            if self._child is not None:
                self._state = replace(self._state, freeing=True)
        self._on_state()
        if child is not None:
            child.end(CLOSE_SECONDS)

    def close(self) -> None:
        """End the process: asked first, then told, then killed. Takes five seconds at most."""
        with self._lock:
            self._closed = True
            child, self._child = self._child, None
            self._state = EngineState()
        if child is not None:
            child.end(CLOSE_SECONDS)

    def _wish(self, job: str, what: str, **more: str) -> None:
        with self._lock:
            if job == self._job:
                self._send({"do": what, "job": job, **more})

    def _ensure(self) -> None:
        if self._child is None and not self._closed:
            self._launch()

    def _launch(self) -> None:
        self._refused = None
        try:
            self._child = child = Process(self._arguments, self._log_file)
        except OSError as error:
            log.exception("The engine was not started")
            self._state = EngineState(error=not_started(error))
            return
        self._state = EngineState("starting")
        threading.Thread(
            target=self._listen, args=(child,), name="engine-reader", daemon=True
        ).start()
        if self._rescan is not None:
            self._send(self._rescan)
        if self._preload_asked:
            self._send({"do": "preload", "checkpoint": self._wanted})

    def _let_go(self) -> Process | None:
        """Be free of the process, which is still to be ended. The lock is held."""
        child, self._child = self._child, None
        if child is not None:
            self._state = EngineState("free")
            self._preload_asked = False
        return child

    def _send(self, command: Header) -> None:
        with self._lock:
            if self._child is not None:
                self._child.send(command)

    def _listen(self, child: Process) -> None:
        try:
            while (frame := child.read()) is not None:
                self._hear(child, *frame)
        except BrokenFrame:
            log.exception("The engine said something that is no frame")
        finally:
            self._bury(child, child.end(CLOSE_SECONDS))

    def _hear(self, child: Process, header: Header, payload: bytes) -> None:
        if "event" in header:
            self._pass_on(header["job"], header["event"], payload)
            return
        with self._lock:
            if self._child is not child:
                return  # Let go meanwhile: what it holds is nobody's any more.
            if "refused" in header:
                self._refused = _error(header["refused"])
            elif "hello" in header:
                hello = self._hello = header["hello"]
                self._state = replace(
                    self._state, state="ready", device=hello["device"], dtype=hello["dtype"]
                )
            elif "state" in header:
                self._state = replace(self._state, models=header["state"])
        self._on_state()

    def _pass_on(self, job: str, data: dict[str, Any], payload: bytes) -> None:
        event = EVENTS.validate_python(data)
        if isinstance(event, Step) and payload:
            event = event.model_copy(update={"preview": payload})
        freed = None
        with self._lock:
            if isinstance(event, Finished | Failed | Cancelled) and job == self._job:
                self._job = None
                freed = self._let_go() if self._state.freeing else None
            if isinstance(event, Finished):
                self._crashes.clear()
        if freed is not None:
            # Not waited for: it may still have something to say, and this is who listens.
            threading.Thread(target=freed.end, args=(CLOSE_SECONDS,), daemon=True).start()
        self._on_event(job, event)
        if freed is not None:
            self._on_state()

    def _bury(self, child: Process, code: int) -> None:
        """The process is gone: fail its job, and replace it unless it keeps dying."""
        with self._lock:
            if self._child is not child:
                return
            if code != AFRESH:
                self._count_crash(time.monotonic())
            again = len(self._crashes) < CRASH_LIMIT and self._refused is None
            error = self._refused or obituary(code, again)
            log.error("%s (exit code %d)\n%s", error.message, code, tail(self._log_file))
            self._child, job, self._job = None, self._job, None
            if again and self._state.freeing:
                self._state = EngineState("free")
            elif again:
                self._launch()
            else:
                self._state = EngineState(error=error)
        self._on_state()
        if job is not None:
            self._on_event(job, Failed(**cast("dict[str, Any]", error.to_dict())))

    def _count_crash(self, now: float) -> None:
        self._crashes = [at for at in self._crashes if now - at < CRASH_WINDOW] + [now]


def _error(told: Mapping[str, Any]) -> EngineStopped:
    return EngineStopped(told["message"], told["cure"], told["field"])
