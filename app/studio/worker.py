"""Feeds the engine one job at a time, and writes down what becomes of each."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date

from app.studio.gallery import Gallery
from app.studio.progress import Progress
from app.studio.queue import Queue
from pipelines.engine.remote import EngineProcess
from pipelines.errors import StudioError
from pipelines.events import Cancelled, Event, Failed, Finished, Saved, Step
from pipelines.recipe import Recipe

log = logging.getLogger(__name__)


class Running:
    """The job that runs, or the last one that did."""

    def __init__(self, job: str, count: int) -> None:
        self.job = job
        self.progress = Progress(count)
        self.preview: bytes | None = None
        self.preview_version = 0
        self.stop_asked = False
        self.over = threading.Event()


class Worker:
    """A thread between the queue and the engine. Calls `on_change` whenever there is news."""

    def __init__(self, queue: Queue, gallery: Gallery, on_change: Callable[[], None]) -> None:
        self._queue = queue
        self._gallery = gallery
        self._on_change = on_change
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self.running: Running | None = None

    def start(self, engine: EngineProcess) -> None:
        """Begin to feed `engine`, whose events must come to `on_event`."""
        self._engine = engine
        self._thread.start()
        self.wake()

    def close(self) -> None:
        """Stop feeding. A job that runs is found as interrupted at the next start."""
        self._closing = True
        self.wake()
        if self.running is not None:
            self.running.over.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """There may be something to do: a new job, or an engine that runs again."""
        self._wake.set()

    def cancel(self, job: str) -> None:
        """Cancel a job that waits, stop one that runs, leave one that is over."""
        with self._lock:
            if not self._queue.cancel_waiting(job):
                if self.running is not None and self.running.job == job:
                    self.running.stop_asked = True
                self._engine.cancel(job)
        self._on_change()

    def on_event(self, job: str, event: Event) -> None:
        """Fold an event into what is known of its job. Called by the engine's reader."""
        running = self.running
        if running is None or running.job != job or running.over.is_set():
            return
        running.progress = running.progress.advance(event, time.monotonic())
        if isinstance(event, Step) and event.preview:
            running.preview = event.preview
            running.preview_version += 1
        with _logged(job):
            self._write_down(job, event)
        if isinstance(event, Finished | Cancelled | Failed):
            running.over.set()
        self._on_change()

    def _write_down(self, job: str, event: Event) -> None:
        match event:
            case Saved():
                self._gallery.add(event.picture)
                self._queue.saved(job, event.picture)
            case Finished():
                self._queue.end(job, "done")
            case Cancelled():
                self._queue.end(job, "cancelled")
            case Failed():
                self._queue.end(job, "failed", event)
            case _:
                pass

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            while not self._closing and self._engine.state.error is None and self._run_next():
                pass

    def _run_next(self) -> bool:
        """Run the first waiting job to its end; False when none waits."""
        with self._lock, _logged("none"):
            taken = self._queue.take()
            if taken is None:
                return False
            job, recipes = taken
            running = self.running = Running(job, len(recipes))
        self._on_change()
        try:
            self._begin(running, recipes)
        except StudioError as error:
            self.on_event(job, Failed.model_validate(error.to_dict()))
        running.over.wait()
        return True

    def _begin(self, running: Running, recipes: Sequence[Recipe]) -> None:
        folder = self._gallery.folder(date.today())
        self._engine.render(running.job, recipes, folder)
        if running.stop_asked:  # between taking the job and the line above
            self._engine.cancel(running.job)


@contextlib.contextmanager
def _logged(job: str) -> Iterator[None]:
    """A queue that cannot be written must not stop the job: its pictures are on disk."""
    try:
        yield
    except StudioError:
        log.exception("The queue missed news of job %s", job)
