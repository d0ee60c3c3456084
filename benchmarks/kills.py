"""Kill the engine, the server, or both, again and again, and look whether anything is lost.

    python -m benchmarks.kills [--kills 100] [--jobs 20] [--seed N]

A studio is served on the bundled starter and given jobs of two pictures. At random moments one or
both of its processes are killed (SIGKILL), what is gone is started again, and what was interrupted
or failed with its engine is continued. At the end every job must be done with exactly its own
pictures, each a whole file that carries its recipe, in the order that the queue had announced.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

from pipelines.metadata import read_recipe

ROOT = Path(__file__).resolve().parents[1]
PICTURES = 2
STEPS = 6
LONGEST = 4.0
"""Seconds between two kills at most; pictures take a fraction of one."""

PATIENCE = 120.0
UNFINISHED = ("running", "queued")


class Victim:
    """A studio in a process of its own, with the engine as its child."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Returns when it answers."""
        command = [sys.executable, "-m", "benchmarks.kills", "--serve", str(self.folder)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self._port)], cwd=ROOT, stdout=log, stderr=log
            )
        wait_until(self._answers)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of the native API."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/api/v1/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read())

    def jobs(self) -> list[dict[str, Any]]:
        """As the API lists them: unfinished ones first, in running order."""
        return self.ask("GET", "jobs")

    def engine(self) -> psutil.Process | None:
        """The engine's process, while there is one."""
        try:
            children = psutil.Process(self._process.pid).children()
            return next(c for c in children if "pipelines.engine.child" in c.cmdline())
        except (psutil.Error, StopIteration):
            return None

    def kill(self, what: str) -> str:
        """Kill the "engine", the "server" or "both"; returns what was there to be killed."""
        engine = self.engine()
        if engine is None:
            what = "server"
        if what != "engine":
            self._process.kill()
        if what != "server" and engine is not None:
            engine.kill()
        if what != "engine":
            self._process.wait()
        return what

    def close(self) -> None:
        """As Ctrl+C would."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self.folder / "server.log").read_text()
        try:
            return bool(self.ask("GET", "health"))
        except OSError:
            return False


class Order:
    """The order in which jobs have to end: what the queue announced after each wish."""

    def __init__(self) -> None:
        self.jobs: list[str] = []

    def note(self, jobs: list[dict[str, Any]]) -> None:
        """What is unfinished now comes after all that is not, in the order announced."""
        ahead = [job["id"] for job in jobs if job["state"] in UNFINISHED]
        self.jobs = [job for job in self.jobs if job not in ahead] + ahead


def kill_again_and_again(folder: Path, kills: int, jobs: int, seed: int) -> dict[str, Any]:
    """The figures of one run. Raises AssertionError when anything was lost or made twice."""
    chance, order, done = random.Random(seed), Order(), Counter[str]()
    victim, submitted, latencies = Victim(folder), 0, []

    def submit(count: int) -> None:
        nonlocal submitted
        for _ in range(count):
            draft = {"prompt": f"a red house, number {submitted}", "count": PICTURES}
            draft |= {"seed": 1000 * submitted, "steps": STEPS, "size": "256x256"}
            started = time.perf_counter()
            victim.ask("POST", "jobs", draft)
            latencies.append(time.perf_counter() - started)
            submitted += 1
        order.note(victim.jobs())

    submit(jobs)
    while sum(done.values()) < kills:
        time.sleep(chance.uniform(0, LONGEST))
        if sum(job["state"] in UNFINISHED for job in victim.jobs()) < 3:
            submit(jobs)
        what = victim.kill(chance.choice(("engine", "server", "both")))
        done[what] += 1
        if what != "engine":
            victim.start()
        go_on(victim, order)
        print(f"\r{sum(done.values())} kills", end="", file=sys.stderr, flush=True)
    wait_until(lambda: not go_on(victim, order), 10 * PATIENCE)
    listed = sqlite_rows(victim)
    figures = check(folder, listed, order.jobs, submitted) | {"kills": dict(done), "seed": seed}
    return figures | {"submit_ms": round(1000 * sorted(latencies)[len(latencies) // 2], 1)}


def go_on(victim: Victim, order: Order) -> bool:
    """Continue what was interrupted or failed; whether anything is unfinished."""
    victim.ask("POST", "queue/resume")  # has an engine start again that died three times
    jobs = victim.jobs()
    for job in jobs:
        if job["state"] in ("interrupted", "failed"):
            assert job["error"]["kind"] == "EngineStopped", job
            victim.ask("POST", f"jobs/{job['id']}/retry")
            order.note(victim.jobs())
    time.sleep(0.2)
    return any(job["state"] != "done" for job in jobs)


def sqlite_rows(victim: Victim) -> list[dict[str, Any]]:
    """End the studio and read what it wrote down, in the order in which jobs ended."""
    victim.close()
    with sqlite3.connect(victim.folder / "data" / "jobs.sqlite") as table:
        table.row_factory = sqlite3.Row
        assert table.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        rows = table.execute("SELECT * FROM jobs ORDER BY ended").fetchall()
    table.close()
    return [dict(row) for row in rows]


def check(
    folder: Path, rows: list[dict[str, Any]], announced: list[str], submitted: int
) -> dict[str, Any]:
    """Every job done once, every picture whole and its own, in order, and nothing else."""
    assert [row["id"] for row in rows] == announced, "the order of the queue was not kept"
    assert len(rows) == submitted
    owned: list[str] = []
    for row in rows:
        planned, pictures = (json.loads(row[name]) for name in ("planned", "pictures"))
        assert row["state"] == "done" and len(planned) == PICTURES, row
        assert sorted(pictures) == planned, row
        owned += planned
        for picture, asked in zip(planned, json.loads(row["work"]), strict=True):
            [file] = (folder / "outputs").rglob(f"{picture}.png")
            with Image.open(file) as image:
                image.load()
            recipe = read_recipe(file)
            assert (recipe.seed, recipe.prompt) == (asked["seed"], asked["prompt"]), file
    files = [file for file in (folder / "outputs").rglob("*") if file.is_file()]
    assert sorted(file.stem for file in files) == sorted(owned), "files that no job knows of"
    assert all(file.suffix == ".png" for file in files), "temporary files are left"
    return {"jobs": len(rows), "pictures": len(files)}


def wait_until(met: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Ask ten times a second."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def serve(folder: Path, port: int) -> None:
    """The native API of a studio on the starter, without the page."""
    import uvicorn

    from app.api.events import EventStreams
    from app.api.server import build_api
    from app.settings import Settings
    from app.studio.service import Studio

    (folder / "models").mkdir(exist_ok=True)
    studio = Studio(
        Settings(
            models=(folder / "models",),
            outputs=folder / "outputs",
            data=folder / "data",
            device="cpu",
            dtype="float32",
            threads=1,
            port=port,
        )
    )
    studio.start()
    try:
        uvicorn.run(build_api(studio, EventStreams(studio)), port=port, log_level="warning")
    finally:
        studio.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.serve:
        serve(flags.serve, flags.port)
        return
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        figures = kill_again_and_again(Path(folder), flags.kills, flags.jobs, flags.seed)
        print(json.dumps(figures | {"seconds": round(time.monotonic() - started)}))


if __name__ == "__main__":
    main()
