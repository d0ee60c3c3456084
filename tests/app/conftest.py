"""A studio on tiny real models, its engine in a real process, shared by the tests of a session."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from app.studio.job import Job
from app.studio.service import Studio

ENDED = ("done", "failed", "cancelled", "interrupted")


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `models/` and `presets/` of tiny models, long at rest."""
    from tests import tiny

    home = tmp_path_factory.mktemp("tiny")
    tiny.install(home, ("sd1", "sdxl"))
    for file in (home / "models").rglob("*.safetensors"):
        os.utime(file, (time.time() - 60, time.time() - 60))
    return home


@pytest.fixture(scope="session")
def settings_in(tiny_home: Path) -> Callable[[Path], Settings]:
    """Settings with the tiny models, whose pictures and data go to the folder given."""

    def settings(folder: Path, **more: object) -> Settings:
        return Settings(
            models=(tiny_home / "models",),
            presets=(tiny_home / "presets",),
            outputs=folder / "outputs",
            data=folder / "data",
            device="cpu",
            dtype="float32",
            threads=1,
            **more,
        )

    return settings


@pytest.fixture(scope="session")
def studio(settings_in, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio that runs."""
    running = Studio(settings_in(tmp_path_factory.mktemp("studio")))
    running.start()
    yield running
    running.close()


def wait_until(studio: Studio, met: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for the studio to report changes until the condition is met."""
    news = threading.Event()
    deadline = time.monotonic() + seconds
    with studio.watching(news.set):
        while not met():
            assert time.monotonic() < deadline, studio.snapshot()
            news.wait(0.2)
            news.clear()


def ended(studio: Studio, job_id: str, seconds: float = 60) -> Job:
    """The job, once it is over."""
    wait_until(studio, lambda: studio.job(job_id).state in ENDED, seconds)
    return studio.job(job_id)
