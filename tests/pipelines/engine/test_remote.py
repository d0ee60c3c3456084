"""The studio's side of the engine's process: its environment, its deaths, its end."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pipelines.engine.obituary import obituary, tail
from pipelines.engine.remote import EngineProcess, EngineState
from pipelines.engine.wire import AFRESH
from pipelines.errors import EngineStopped
from pipelines.events import Event, Failed, Finished
from pipelines.geometry import Size
from pipelines.recipe import ModelRef, Recipe
from tests import tiny

RECIPE = Recipe(seed=1, size=Size(width=64, height=64), checkpoint=ModelRef(name="absent"))


def job_in(folder: Path, recipe: Recipe = RECIPE) -> dict:
    """The command for a picture, of a checkpoint that is not there if nothing else is said."""
    picture = {"index": 0, "file": str(folder / "1.png"), "recipe": recipe.model_dump(mode="json")}
    return {"do": "render", "count": 1, "pictures": [picture]}


class Ear:
    """Hears what an engine tells, and can wait for it."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []
        self.news = threading.Event()

    def on_event(self, job: str, event: Event) -> None:
        self.events.append((job, event))
        self.news.set()

    def wait(self, met) -> None:
        wait_until(met, self.news)


def wait_until(met, news: threading.Event | None = None, seconds: float = 60) -> None:
    news = news or threading.Event()
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        news.wait(0.05)
        news.clear()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """An engine that is ready, and what hears it."""
    ear = Ear()
    home = tmp_path_factory.mktemp("engine")
    models, presets = tiny.install(home, ("sd1",))
    log = home / "logs" / "engine.log"
    flags = ["--device", "cpu", "--dtype", "float32", "--threads", "1"]
    flags += ["--models", str(models), "--presets", str(presets)]
    process = EngineProcess(flags, log, ear.on_event, ear.news.set)
    assert process.state == EngineState("stopped")
    process.start()
    assert process.state == EngineState("starting")
    ear.wait(lambda: process.state.state == "ready")
    yield process, ear
    child = process._child
    process.close()
    assert child.process.poll() == 0, "it did not end by itself when asked to"
    process.start()
    assert process.pid is None, "a closed engine stays closed"


@pytest.fixture
def engine(running):
    return running[0]


@pytest.fixture
def ear(running) -> Ear:
    running[1].events.clear()
    return running[1]


@pytest.fixture
def broken(tmp_path):
    """An engine whose process ends as soon as it starts."""
    process = EngineProcess(
        ["--no-such-flag"], tmp_path / "engine.log", lambda job, event: None, lambda: None
    )
    yield process
    process.close()


def test_it_says_what_it_runs_on(engine):
    assert (engine.state.device, engine.state.dtype) == ("cpu", "float32")
    assert engine.hello["threads"] == 1
    assert "torch" in engine.hello["versions"]


def test_a_job_that_cannot_be_rendered_fails_and_the_engine_lives(engine, ear, tmp_path):
    engine.begin("a job", job_in(tmp_path))
    ear.wait(lambda: ear.events)
    [(job, event)] = ear.events
    assert (job, event.kind) == ("a job", "UnknownModel")
    assert engine.state.state == "ready"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_freed_memory_is_given_back_after_the_job_that_runs(engine, ear, tmp_path):
    idle, first = resident(engine.pid), engine.pid
    recipe = RECIPE.model_copy(update={"checkpoint": ModelRef(name="tiny-sd1"), "steps": 30})
    engine.begin("a job", job_in(tmp_path, recipe))
    ear.wait(lambda: engine.state.checkpoint == "tiny-sd1")
    engine.free()
    assert engine.state.freeing
    assert resident(engine.pid) > idle + 2_000_000
    ear.wait(lambda: isinstance(ear.events[-1][1], Finished))  # told just after it is let go
    assert engine.state.state == "free"
    assert (engine.pid, engine.state.models) == (None, None)
    wait_until(lambda: not _alive(first))
    engine.start()
    ear.wait(lambda: engine.state.state == "ready")
    assert resident(engine.pid) < 1.05 * idle
    assert engine.state.checkpoint is None


def test_an_idle_engine_is_freed_at_once_and_the_next_job_starts_another(engine, ear, tmp_path):
    engine.free()
    assert (engine.state, engine.pid) == (EngineState("free"), None)
    engine.free()
    assert engine.state == EngineState("free")
    engine.begin("a job", job_in(tmp_path))
    ear.wait(lambda: ear.events)
    assert engine.state.state == "ready"


def resident(pid: int) -> int:
    """Bytes of a process that are in memory and its own: no file's, which others share."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("RssAnon:")[2].split()[0])


def test_a_killed_engine_fails_its_job_and_a_fresh_one_starts(engine, ear, tmp_path):
    first = engine.pid
    engine._child.process.send_signal(signal.SIGSTOP)
    engine.begin("a job", job_in(tmp_path))
    engine._child.process.kill()
    ear.wait(lambda: ear.events)
    [(job, event)] = ear.events
    assert job == "a job"
    assert isinstance(event, Failed)
    assert (event.kind, "memory" in event.message) == ("EngineStopped", True)
    ear.wait(lambda: engine.state.state == "ready")
    assert engine.pid not in (None, first)


def test_three_deaths_in_a_row_stop_it_until_it_is_revived(broken, tmp_path):
    broken.start()
    wait_until(lambda: broken.state.error is not None)
    assert (broken.state.state, broken.pid) == ("stopped", None)
    assert "engine.log" in broken.state.error.cure
    log = tail(tmp_path / "engine.log", 10**6)
    assert log.count("error: unrecognized arguments") == 3
    broken.revive()
    assert broken.state == EngineState("starting")


def test_a_process_that_the_system_does_not_start_is_told_and_tried_again(tmp_path):
    (tmp_path / "logs").write_text("in the way")
    log = tmp_path / "logs" / "engine.log"
    engine = EngineProcess(["--no-such-flag"], log, lambda job, event: None, lambda: None)
    engine.start()
    assert (engine.state.state, engine.pid) == ("stopped", None)
    assert "cannot be started" in engine.state.error.message
    with pytest.raises(EngineStopped, match="cannot be started"):
        engine.begin("a job", job_in(tmp_path))
    (tmp_path / "logs").unlink()
    engine.revive()
    assert engine.state == EngineState("starting")
    engine.close()


def test_an_engine_whose_device_failed_is_replaced_as_often_as_it_takes(tmp_path, monkeypatch):
    """A process that finds `sitecustomize` on its path runs it before anything else."""
    tries = tmp_path / "tries"
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pathlib\n"
        f"tries = pathlib.Path({str(tries)!r})\n"
        "seen = len(tries.read_text()) if tries.exists() else 0\n"
        "if seen < 4:\n"
        "    tries.write_text('x' * (seen + 1))\n"
        f"    os._exit({AFRESH})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ear = Ear()
    process = EngineProcess([], tmp_path / "engine.log", ear.on_event, ear.news.set)
    process.start()
    ear.wait(lambda: process.state.state == "ready")
    assert tries.read_text() == "xxxx"
    process.close()


def test_cancelling_what_does_not_run_does_nothing(engine, ear):
    engine.cancel("no such job")
    engine.finish("no such job")
    engine.skip("no such job", "no such picture")
    time.sleep(0.2)
    assert ear.events == []
    assert engine.state.state == "ready"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_never_outlives_the_studio(tmp_path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from pipelines.engine.remote import EngineProcess\n"
        "e = EngineProcess([], Path(sys.argv[1]), lambda *a: None, lambda: None)\n"
        "e.start(); print(e.pid, flush=True); time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", program, str(tmp_path / "engine.log")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}/cmdline").exists() and _alive(pid):
        assert time.monotonic() < deadline, "the engine outlived its parent"
        time.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (-signal.SIGKILL, "memory"),
        (-signal.SIGBUS, "model file"),
        (-signal.SIGSEGV, "SIGSEGV"),
        (-200, "signal 200"),
        (1, "ended by itself"),
        (0, "ended by itself"),
    ],
)
def test_every_way_to_die_is_told_in_words_with_a_cure(code, said):
    for again in (True, False):
        error = obituary(code, again)
        assert said in error.message
        assert ("fresh" in error.cure) == again


def test_a_long_log_is_kept_once_under_another_name(broken, tmp_path):
    log = tmp_path / "engine.log"
    log.write_bytes(b"x" * 1_100_000)
    broken.start()
    assert log.with_suffix(".log.1").read_bytes() == b"x" * 1_100_000
    assert log.stat().st_size < 100_000


def test_a_device_that_is_not_there_is_told_once_and_not_tried_again(tmp_path):
    ear = Ear()
    log = tmp_path / "engine.log"
    process = EngineProcess(["--device", "cuda:99"], log, ear.on_event, ear.news.set)
    process.start()
    ear.wait(lambda: process.state.error is not None)
    assert process.state.error.message == "This machine has no cuda:99 that torch can use."
    assert process.state.state == "stopped" and process.pid is None
    process.begin("job", job_in(tmp_path))
    ear.wait(lambda: bool(ear.events))
    [(job, event)] = ear.events
    assert job == "job" and isinstance(event, Failed) and "cuda:99" in event.message
    process.close()
    assert "Fatal" not in log.read_text()
