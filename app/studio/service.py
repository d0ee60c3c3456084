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
from typing import Any, Literal

from app.settings import Settings, home
from app.studio.arriving import Arriving
from app.studio.assets import Assets, ids_in
from app.studio.folders import Folders
from app.studio.gallery import Gallery
from app.studio.job import Job
from app.studio.models import Models
from app.studio.presets import BUNDLED, Presets
from app.studio.queue import Queue, no_such_job
from app.studio.reuse import Reused, reuse
from app.studio.snapshot import engine_view, job_view, job_views, progress_view
from app.studio.worker import Worker
from app.studio.workspace import Workspace
from pipelines.catalog import PRESETS, Catalog
from pipelines.draft import Draft, expand
from pipelines.engine.remote import EngineProcess
from pipelines.errors import RequestError
from pipelines.images import Door
from pipelines.library.library import PATIENCE
from pipelines.picture import Facts

START_PATIENCE = 0.1
"""Seconds that the start waits for the model folders; what is larger comes bit by bit."""

LOOK_PATIENCE = 0.3
"""Seconds that a page waits for a file that was dropped in just now."""

WAITING_SHOWN = 200
ENDED_SHOWN = 50


class Studio:
    """Queue, engine, gallery and catalog of one data folder. Safe to use from any thread."""

    def __init__(self, settings: Settings) -> None:
        """Raises DataInUse, or StorageError when the data folder cannot be written."""
        self.settings = settings
        self.version = 0
        self.changes = 0
        self._watchers: set[Callable[[], object]] = set()
        self._watchers_lock = threading.Lock()
        self._queue = Queue(settings.data / "jobs.sqlite")
        self._door = Door()
        self.gallery = Gallery(settings.outputs, settings.data, self.news, self._door)
        self.workspace = Workspace(settings.data / "workspace.json")
        self.presets = Presets(settings.data / "presets.json", BUNDLED)
        self.assets = Assets(settings.data / "assets", self._door, self._assets_in_use)
        self._worker = Worker(
            self._queue, self.gallery, settings.outputs, self.news, self._progressed, self._look
        )
        self._engine = EngineProcess(
            engine_arguments(settings),
            settings.data / "logs" / "engine.log",
            self._worker.on_event,
            self._engine_changed,
        )
        if (own := home() / "models") in settings.models:
            lay_out(own)
        self.catalog = open_catalog(settings, patience=START_PATIENCE)
        self._arriving = Arriving(self.catalog)
        self.catalog.library.watch(self._models_changed)
        self.models = Models(self.catalog, settings.data, self._door)
        self.folders = Folders(settings, self.catalog, self.use_models)

    def start(self) -> None:
        """Start the engine's process and take up the jobs that wait. Returns at once."""
        self._engine.start()
        self._engine.preload(None)
        self._worker.start(self._engine)
        self.gallery.start()
        self._arriving.start()
        self.catalog.library.hash_in_background()

    def close(self) -> None:
        """End the engine. What waits goes on at the next start."""
        self._worker.close()
        self._engine.close()
        self._door.close()
        self._queue.close()
        self.gallery.close()
        self._arriving.close()
        self.catalog.close()

    def submit(self, draft: Draft, *, first: bool = False) -> Job:
        """Decide the draft's recipes and put them in the queue: last, or `first`.

        Raises RequestError (naming the field) or StorageError; then nothing is queued.
        """
        recipes = expand(draft, self.catalog)
        self.gallery.folder(date.today())
        work = [recipe.model_dump(mode="json") for recipe in recipes]
        return self._queued(self._queue.add("render", draft.prompt, work, first=first))

    def convert(self, checkpoint: str) -> Job:
        """Queue the conversion of a pickled checkpoint of the library to safetensors.

        Raises UnknownModel, and RequestError for one that is not pickled.
        """
        entry = self.catalog.library.find(checkpoint, "checkpoint")
        if not entry.pickled:
            raise RequestError(
                f"{entry.name} is no pickled file.", "It can be used as it is.", "checkpoint"
            )
        return self._queued(self._queue.add("convert", entry.name, [{"checkpoint": entry.name}]))

    def cancel(self, job_id: str) -> Job:
        """Stop a job now, waiting or running; discard an interrupted one. Raises NotFound."""
        return self._wished(self._worker.cancel, job_id)

    def finish(self, job_id: str) -> Job:
        """Stop a job after the picture it is at. Raises NotFound."""
        return self._wished(self._worker.finish, job_id)

    def skip(self, job_id: str) -> Job:
        """Drop the picture that a job is at; it goes on with the next. Raises NotFound."""
        return self._wished(self._worker.skip, job_id)

    def retry(self, job_id: str) -> Job:
        """Run an ended job again, as far as its pictures are missing: see `Queue.retry`."""
        return self._queued(self._queue.retry(job_id))

    def move(self, job_id: str, before: str | None) -> None:
        """Let a waiting job run before another one, or last. Raises NotFound or RequestError."""
        self._queue.move(job_id, before)
        self.news()

    def pause(self, paused: bool) -> None:
        """Begin no further job, or go on. What runs is finished either way."""
        self._queue.pause(paused)
        self._engine.revive()
        self._worker.wake()
        self.news()

    def clear(self, what: Literal["waiting", "ended"]) -> None:
        """Cancel all jobs that wait, or forget those that ended; their pictures stay."""
        self._queue.clear(what)
        self.news()

    def job(self, job_id: str) -> Job:
        """One job. Raises NotFound."""
        job = self._queue.get(job_id)
        if job is None:
            raise no_such_job()
        return job

    def jobs(self) -> list[Job]:
        """Running, waiting, interrupted and ended jobs, in this order: see `Queue.listed`."""
        return self._queue.listed(WAITING_SHOWN, ENDED_SHOWN)

    def snapshot(self) -> dict[str, Any]:
        """What every page shows now: see `app.studio.snapshot`."""
        return self.list_snapshot() | self.progress_snapshot()

    def list_snapshot(self) -> dict[str, Any]:
        """The part of the snapshot that changes with `changes`."""
        return {
            "version": self.version,
            "jobs": self.job_views(),
            "queue": {"paused": self._queue.paused, **self._queue.counts()},
            "pictures": self.gallery.version,
            "models": self.catalog.version,
        }

    def progress_snapshot(self) -> dict[str, Any]:
        """The part of the snapshot that changes with every step."""
        running = self._worker.running
        return {
            "version": self.version,
            "progress": progress_view(running, time.monotonic()) if running else None,
            "engine": self.engine(),
        }

    def job_views(self) -> list[dict[str, Any]]:
        """The jobs, each as `app.studio.snapshot.job_view` shows it."""
        return job_views(self.jobs(), self._worker.running, time.monotonic(), self.gallery.there)

    def job_view(self, job_id: str) -> dict[str, Any]:
        """One job as `app.studio.snapshot.job_view` shows it. Raises NotFound."""
        job, position = self.job(job_id), self._queue.position(job_id)
        return job_view(job, position, self._worker.running, time.monotonic(), self.gallery.there)

    def engine(self) -> dict[str, Any]:
        """How the engine is, and what it has loaded: see `app.studio.snapshot.engine_view`."""
        return engine_view(self._engine.state)

    def free(self) -> None:
        """Give back all memory of the engine, now or after the job that runs. What waits runs
        after that, in a fresh engine."""
        self._engine.free()

    def hello(self) -> dict[str, Any]:
        """What the engine said of itself when it was ready last: device, dtype, versions."""
        return dict(self._engine.hello)

    def use_models(self, folders: tuple[Path, ...]) -> None:
        """Take models from these folders from now on. What waits and what is painted goes on."""
        self.settings = self.settings.model_copy(update={"models": folders})
        self.catalog.reopen(folders, START_PATIENCE)  # which tells the engine

    def _models_changed(self) -> None:
        self._engine.rescan(self.settings.models)
        self._arriving.follow()
        self.news()

    def _look(self) -> None:
        self._arriving.look()

    def rescan(self) -> None:
        """Look into the model folders again, here and in the engine's process."""
        self.catalog.rescan(LOOK_PATIENCE)

    def preview(self, job_id: str) -> bytes | None:
        """JPEG of the picture so far, of the job that runs or of the last one that did."""
        running = self._worker.running
        return running.preview if running is not None and running.job == job_id else None

    def reuse(self, data: bytes) -> Reused:
        """The settings in a picture brought from anywhere; nothing of it is kept.

        Raises RecipeFileError, or RequestError when its recipe is damaged.
        """
        hello = self._engine.hello
        return reuse(data, self.catalog, Facts.model_validate(hello) if hello else None)

    def reuse_picture(self, picture: str) -> Reused:
        """The settings of a picture of the gallery, and what differs from them here.

        Raises NotFound, RecipeFileError, or RequestError when its recipe is damaged.
        """
        return self.reuse(self.gallery.data(picture))

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

    def news(self) -> None:
        """Something that pages show has changed. Called from any thread."""
        with self._watchers_lock:
            self.changes += 1
        self._progressed()

    def _progressed(self) -> None:
        """The job that runs went on, or the engine changed: nothing else."""
        with self._watchers_lock:
            self.version += 1
            watchers = list(self._watchers)
        for callback in watchers:
            callback()

    def _engine_changed(self) -> None:
        self._worker.wake()
        self._progressed()

    def _wished(self, wish: Callable[[str], None], job_id: str) -> Job:
        self.job(job_id)
        wish(job_id)
        return self.job(job_id)

    def _queued(self, job: Job) -> Job:
        self._engine.revive()
        self._worker.wake()
        self.news()
        return job

    def _assets_in_use(self) -> set[str]:
        """What jobs that wait and the workspace refer to."""
        return ids_in(self._queue.unfinished_work()) | self.workspace.assets()


def lay_out(folder: Path) -> None:
    """Make the place in Gesso's own drop folder that the first page speaks of, if it can be."""
    with contextlib.suppress(OSError):
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)


def open_catalog(settings: Settings, cached: bool = True, patience: float = PATIENCE) -> Catalog:
    """What there is to choose from in the folders of the settings.

    Not `cached`: every file is looked at again. What is not read after `patience` seconds is
    read in the background.
    """
    presets = (PRESETS, *settings.presets)
    cache = library_cache(settings) if cached else None
    links = settings.follow_links
    return Catalog.open(settings.models, presets, cache, patience=patience, follow_links=links)


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
    if settings.follow_links:
        arguments += ["--follow-links"]
    numbers = {
        "--threads": settings.threads,
        "--ram-budget": settings.ram_budget_bytes,
        "--device-budget": settings.device_budget_bytes,
    }
    for name, number in numbers.items():
        if number is not None:
            arguments += [name, str(number)]
    return arguments
