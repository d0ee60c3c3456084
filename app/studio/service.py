"""The studio: one object behind every face.

    studio = Studio(settings)
    studio.start()
    job = studio.submit(Draft(prompt="a red house"))
    studio.snapshot()       # what every page shows now
    studio.close()

Plain data in, plain data out: nothing here knows of HTTP, of Gradio or of torch.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from app.settings import Settings, home
from app.studio.errors import NotFound
from app.studio.gallery import Gallery, PictureInfo
from app.studio.queue import Job, Queue
from app.studio.reuse import Reused, reuse
from app.studio.snapshot import engine_view, snapshot
from app.studio.worker import Worker
from pipelines.catalog import PRESETS, Catalog
from pipelines.draft import Draft, expand
from pipelines.engine.remote import EngineProcess
from pipelines.picture import Facts
from pipelines.recipe import Recipe

JOBS_SHOWN = 50


class Studio:
    """Queue, engine, gallery and catalog of one data folder. Safe to use from any thread."""

    def __init__(self, settings: Settings) -> None:
        """Raises DataInUse, or StorageError when the data folder cannot be written."""
        self.settings = settings
        self.version = 0
        self._watchers: set[Callable[[], object]] = set()
        self._watchers_lock = threading.Lock()
        self._queue = Queue(settings.data / "jobs.sqlite")
        self.gallery = Gallery(settings.outputs, settings.data, self._news)
        self._worker = Worker(self._queue, self.gallery, self._news)
        self._engine = EngineProcess(
            engine_arguments(settings),
            settings.data / "logs" / "engine.log",
            self._worker.on_event,
            self._news,
        )
        if (own := home() / "models") in settings.models:
            lay_out(own)
        self.catalog = open_catalog(settings)

    def start(self) -> None:
        """Start the engine's process and take up the jobs that wait. Returns at once."""
        self._engine.start()
        self._engine.preload(None)
        self._queue.recover()
        self._worker.start(self._engine)
        self.gallery.start()
        self.catalog.library.hash_in_background()

    def close(self) -> None:
        """End the engine. What waits goes on at the next start."""
        self._worker.close()
        self._engine.close()
        self._queue.close()
        self.gallery.close()
        self.catalog.close()

    def submit(self, draft: Draft) -> Job:
        """Decide the draft's recipes and put them in the queue.

        Raises RequestError (naming the field) or StorageError; then nothing is queued.
        """
        recipes = expand(draft, self.catalog)
        self.gallery.folder(date.today())
        job = self._queue.add(draft, recipes)
        self._engine.revive()
        self._worker.wake()
        self._news()
        return job

    def cancel(self, job_id: str) -> Job:
        """Stop a job, waiting or running; one that is over stays as it is. Raises NotFound."""
        self.job(job_id)
        self._worker.cancel(job_id)
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        """One job. Raises NotFound."""
        job = self._queue.get(job_id)
        if job is None:
            raise NotFound("There is no such job.", "Look at the list of jobs.")
        return job

    def jobs(self) -> list[Job]:
        """The newest jobs, newest first, and the one that runs."""
        return self._queue.recent(JOBS_SHOWN)

    def snapshot(self) -> dict[str, Any]:
        """What every page shows now: see `app.studio.snapshot`."""
        version = self.version
        return snapshot(
            version, self.jobs(), self._worker.running, self._engine.state, time.monotonic()
        )

    def engine(self) -> dict[str, Any]:
        """How the engine is: state, device, dtype, checkpoint, error."""
        return engine_view(self._engine.state)

    def rescan(self) -> None:
        """Look into the model folders again, here and in the engine's process."""
        if self.catalog.rescan():
            self._engine.rescan()

    def preview(self, job_id: str) -> bytes | None:
        """JPEG of the picture so far, of the job that runs or of the last one that did."""
        running = self._worker.running
        return running.preview if running is not None and running.job == job_id else None

    def pictures(self, limit: int, before: str | None = None) -> list[PictureInfo]:
        """Finished pictures, newest first; those older than the picture `before` if given."""
        return self.gallery.search(limit, before)

    def picture_path(self, picture: str) -> Path:
        """The file of a picture. Raises NotFound."""
        return self.gallery.path(picture)

    def thumbnail_path(self, picture: str) -> Path:
        """A small JPEG of a picture. Raises NotFound."""
        return self.gallery.thumbnail(picture)

    def recipe_of(self, picture: str) -> Recipe:
        """The recipe a picture carries. Raises NotFound or RecipeFileError."""
        return self.gallery.recipe(picture)

    def reuse(self, data: bytes) -> Reused:
        """The settings in a picture brought from anywhere; nothing of it is kept.

        Raises RecipeFileError, or RequestError when its recipe is damaged.
        """
        hello = self._engine.hello
        return reuse(data, self.catalog, Facts.model_validate(hello) if hello else None)

    @contextlib.contextmanager
    def watching(self, callback: Callable[[], object]) -> Iterator[None]:
        """Call `callback` after every change, from whichever thread made it."""
        with self._watchers_lock:
            self._watchers.add(callback)
        try:
            yield
        finally:
            with self._watchers_lock:
                self._watchers.discard(callback)

    def _news(self) -> None:
        with self._watchers_lock:
            self.version += 1
            watchers = list(self._watchers)
        for callback in watchers:
            callback()


def lay_out(folder: Path) -> None:
    """Make the place in Gesso's own drop folder that the first page speaks of, if it can be."""
    with contextlib.suppress(OSError):
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)


def open_catalog(settings: Settings, cached: bool = True) -> Catalog:
    """What there is to choose from in the folders of the settings.

    Not `cached`: every file is looked at again.
    """
    presets = (PRESETS, *settings.presets)
    return Catalog.open(settings.models, presets, library_cache(settings) if cached else None)


def library_cache(settings: Settings) -> Path:
    """What was learnt of the model files; the studio and its engine share it."""
    return settings.data / "library.sqlite"


def engine_arguments(settings: Settings) -> list[str]:
    """The flags of the engine's process."""
    arguments = ["--device", settings.device, "--dtype", settings.dtype]
    arguments += ["--cache", str(library_cache(settings))]
    for name, folders in (("--models", settings.models), ("--presets", settings.presets)):
        for folder in folders:
            arguments += [name, str(folder)]
    if settings.threads is not None:
        arguments += ["--threads", str(settings.threads)]
    return arguments
