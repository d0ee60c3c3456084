"""Feeds the engine one job at a time, and writes down what becomes of each."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from app.studio.gallery import Gallery
from app.studio.job import Taken
from app.studio.kinds import command_of
from app.studio.plan import made, sweep
from app.studio.progress import Progress
from app.studio.queue import Queue
from pipelines.engine.remote import EngineProcess
from pipelines.errors import EngineStopped, StudioError
from pipelines.events import Cancelled, Event, Failed, Finished, Notice, Saved, Skipped, Step

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 15.0
"""Between two looks at a queue that could not be written."""

_INTERRUPTED = Failed(
    kind=EngineStopped.__name__,
    message="Gesso ended while this was running.",
    cure="Continue it: what is missing will be made.",
)


class Running:
    """The job that runs, or the last one that did. It is at the first of the pictures `left`."""

    def __init__(self, job: Taken) -> None:
        self.job = job.id
        self.kind = job.kind
        self.left = [name for name, _ in job.missing]
        over = len(job.work) - len(self.left) if job.planned else 0
        self.progress = Progress(len(job.work), over=over)
        self.preview: bytes | None = None
        self.preview_version = 0
        self.stopping: Literal["now", "picture"] | None = None
        self.over = threading.Event()


class Worker:
    """A thread between the queue and the engine.

    `outputs` is the folder of the gallery. `on_change` is called when the list of jobs has
    changed, `on_progress` when only the one that runs went on, `on_model` when a job has made a
    model file.
    """

    def __init__(
        self,
        queue: Queue,
        gallery: Gallery,
        outputs: Path,
        on_change: Callable[[], None],
        on_progress: Callable[[], None],
        on_model: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._gallery = gallery
        self._outputs = outputs
        self._on_change = on_change
        self._on_progress = on_progress
        self._on_model = on_model
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self.running: Running | None = None

    def start(self, engine: EngineProcess) -> None:
        """Begin to feed `engine`, whose events must come to `on_event`.

        What was running when the last studio ended is marked as interrupted first; or as done,
        where only the news of its last picture was lost.
        """
        self._engine = engine
        self._recover()
        self._thread.start()
        self.wake()

    def close(self) -> None:
        """Stop feeding. A job that runs is found as interrupted at the next start."""
        with self._lock:
            self._closing = True
            if self.running is not None:
                self.running.over.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """There may be something to do: a new job, or an engine that is ready."""
        self._wake.set()

    def cancel(self, job: str) -> None:
        """Cancel a job that waits or was interrupted, stop one that runs now, leave the others."""
        self._stop(job, "now")

    def finish(self, job: str) -> None:
        """As `cancel`, but one that runs is allowed to finish the picture it is at."""
        self._stop(job, "picture")

    def skip(self, job: str) -> None:
        """Drop the picture that a job is at; it goes on with the next. Leaves all other jobs."""
        with self._lock:
            running = self._at(job)
            if running is not None and running.left:
                self._engine.skip(job, running.left[0])

    def on_event(self, job: str, event: Event) -> None:
        """Fold an event into what is known of its job. Called by the engine's reader."""
        running = self._at(job)
        if running is None:
            return
        running.progress = running.progress.advance(event, time.monotonic())
        if isinstance(event, Step) and event.preview:
            running.preview = event.preview
            running.preview_version += 1
        listed = isinstance(event, Notice | Saved | Skipped | Finished | Cancelled | Failed)
        if listed:
            with _logged(job):
                self._write_down(running, event)
        if isinstance(event, Finished | Cancelled | Failed):
            running.over.set()
        if isinstance(event, Finished) and running.kind == "convert":
            self._on_model()
        (self._on_change if listed else self._on_progress)()

    def _at(self, job: str) -> Running | None:
        """What is known of a job, if it is the one that runs."""
        running = self.running
        here = running is not None and running.job == job and not running.over.is_set()
        return running if here else None

    def _stop(self, job: str, how: Literal["now", "picture"]) -> None:
        with self._lock:
            if not self._queue.cancel(job) and (running := self._at(job)) is not None:
                running.stopping = how
                self._pass_on(running)
        self._on_change()

    def _pass_on(self, running: Running) -> None:
        if running.stopping == "now":
            self._engine.cancel(running.job)
        elif running.stopping == "picture":
            self._engine.finish(running.job)

    def _write_down(self, running: Running, event: Event) -> None:
        match event:
            case Saved():
                running.left.remove(event.picture)
                self._gallery.add(event.picture)
                self._queue.saved(running.job, event.picture)
            case Notice():
                self._queue.noticed(running.job, event.message)
            case Skipped():
                running.left.remove(event.picture)
                self._queue.skipped(running.job, event.picture)
            case Finished():
                self._queue.end(running.job, "cancelled" if self._empty(running.job) else "done")
            case Cancelled():
                self._queue.end(running.job, "cancelled")
            case Failed():
                job = self._queue.taken(running.job)
                if job is not None and self._settle(job):
                    self._queue.end(running.job, "done")
                else:
                    self._queue.end(running.job, "failed", event)
            case _:
                pass

    def _empty(self, job: str) -> bool:
        """Whether each picture of a job was skipped."""
        taken = self._queue.taken(job)
        return taken is not None and bool(taken.planned) and not any(taken.planned)

    def _recover(self) -> None:
        """End what the queue says is running though nothing is: done where every picture is there,
        or else interrupted. A studio was killed over it, or its end could not be written."""
        for job in self._queue.running():
            if self._settle(job):
                self._queue.end(job.id, "done")
            else:
                self._queue.end(job.id, "interrupted", _INTERRUPTED)
            self._on_change()

    def _settle(self, job: Taken) -> bool:
        """Look at the folder for what was saved but not told, and clear away what was not saved.

        Returns whether every picture of the job is there.
        """
        missing = [name for name, _ in job.missing]
        found = made(missing, self._outputs)
        for picture in found:
            self._queue.saved(job.id, picture)
        sweep(missing, self._outputs)
        return len(job.planned) == len(job.work) and len(found) == len(missing)

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait(LOOK_AGAIN_SECONDS)
            self._wake.clear()
            self._rouse()
            while self._engine.state.state == "ready" and self._run_next():
                pass

    def _rouse(self) -> None:
        """Start an engine that gave its memory back, if a job waits for one."""
        with _logged("none"):
            free = self._engine.state.state == "free" and not self._closing
            if free and not self._queue.paused and self._queue.counts()["waiting"]:
                self._engine.start()

    def _run_next(self) -> bool:
        """Run the first waiting job to its end; False when none is to be run."""
        with self._lock:
            taken = self._take()
            if taken is None:
                return False
            running = self.running = Running(taken)
        self._on_change()
        try:
            self._begin(running, taken)
        except StudioError as error:
            self.on_event(running.job, Failed.model_validate(error.to_dict()))
        running.over.wait()
        return True

    def _take(self) -> Taken | None:
        """The first waiting job, unless the queue cannot be written just now. The lock is held."""
        with _logged("none"):
            if not self._closing:
                self._recover()
                return self._queue.take()
        return None

    def _begin(self, running: Running, job: Taken) -> None:
        if job.pictures and not job.missing:
            self.on_event(job.id, Finished(seconds=0.0))
            return
        command = command_of(job, self._gallery.folder)
        with self._lock:
            self._engine.begin(job.id, command)
            self._pass_on(running)  # what was wished since the job was taken


@contextlib.contextmanager
def _logged(job: str) -> Iterator[None]:
    """A queue that cannot be written must not stop the job: its pictures are on disk."""
    try:
        yield
    except StudioError:
        log.exception("The queue missed news of job %s", job)
