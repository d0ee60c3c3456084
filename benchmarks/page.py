"""How long until the page answers, until it can be used, and from the click to the first step.

The studio is started as an artist starts it, on the starter model, and spoken to over its own
API. Importing torch alone, in the same run, is the yardstick for the start: no studio whose
server imports torch can answer before that is done. The first load is measured as an artist with
a slow machine has it: server, engine and browser share one core, and the browser was never here.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.timing import Row

PAGE_READY = 4.5
FIRST_STEP = 0.3
FIRST_LOAD = 4.0
QUEUED = 0.05


def run(rounds: int = 3) -> Iterator[Row]:
    """Start, click and stop the studio `rounds` times; the median start and click are shown."""
    starts: list[float] = []
    clicks: list[float] = []
    for _ in range(rounds):
        with studio() as (base, started):
            starts.append(started)
            _wait_until(lambda: _engine(base)["checkpoint"], base)
            clicks.extend(_click_to_first_step(base) for _ in range(3))
    torch = _import_seconds("torch")
    yield Row("page ready", _median(starts), "import torch", torch, wanted=PAGE_READY / torch)
    click = _median(clicks)
    yield Row("click to first step, model loaded", click, "limit", FIRST_STEP, wanted=1.0)
    with _one_core(), studio() as (base, _):
        _wait_until(lambda: _engine(base)["checkpoint"], base)
        loads = _first_loads(base, rounds)
        queued = [_queue_a_job(base) for _ in range(20)]
    yield Row("first load usable, one core", _median(loads), "limit", FIRST_LOAD, wanted=1.0)
    yield Row("prompt to queued job", _median(queued), "limit", QUEUED, wanted=1.0)


@contextmanager
def _one_core() -> Iterator[None]:
    """This process and all it starts share one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _first_loads(base: str, rounds: int) -> list[float]:
    """Seconds from the address to a page whose prompt and button work and whose engine is told
    ready, in browsers that keep nothing of the one before."""
    from playwright.sync_api import sync_playwright

    loads = []
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(rounds):
            page = browser.new_context().new_page()
            begun = time.perf_counter()
            page.goto(base)
            page.wait_for_selector(".engine[data-state=ready]")
            page.locator("[id$=generate]:visible").first.click(trial=True)
            loads.append(time.perf_counter() - begun)
            page.context.close()
        browser.close()
    return loads


def _queue_a_job(base: str) -> float:
    """Seconds until a posted prompt is a job on disk. The job is taken back."""
    begun = time.perf_counter()
    job = json.loads(_post(base + "/api/v1/jobs", {"prompt": "a red house"}))["id"]
    taken = time.perf_counter() - begun
    request = urllib.request.Request(f"{base}/api/v1/jobs/{job}", method="DELETE")
    urllib.request.urlopen(request, timeout=10).close()
    return taken


@contextmanager
def studio(home: Path | None = None) -> Iterator[tuple[str, float]]:
    """A running studio: its address and the seconds from its start to its first full page.

    Its pictures and data are in the folder `home`; None: in an empty one.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        home = home or Path(folder)
        command = [sys.executable, "-m", "app.cli", "serve", "--no-browser", "--port", str(port)]
        places = ["--outputs", str(home / "outputs"), "--data", str(home / "data")]
        started = time.perf_counter()
        server = subprocess.Popen([*command, *places], stdout=subprocess.DEVNULL)
        try:
            _wait_until(lambda: b"gradio" in _get(base + "/"), base)
            yield base, time.perf_counter() - started
        finally:
            server.terminate()
            server.wait(timeout=20)


def _click_to_first_step(base: str) -> float:
    """Seconds from posting a job to the first step in the event stream."""
    with urllib.request.urlopen(base + "/api/v1/events", timeout=60) as stream:
        draft = {"prompt": "a red house, a meadow, a clear day", "steps": 20}
        started = time.perf_counter()
        job = json.loads(_post(base + "/api/v1/jobs", draft))["id"]
        first = None
        for line in stream:
            if not line.startswith(b"data:"):
                continue
            told = json.loads(line[5:])
            running = told.get("progress") or {}
            if first is None and running.get("id") == job and running["step"] >= 1:
                first = time.perf_counter() - started
            ended = any(one["id"] == job and one["state"] == "done" for one in told.get("jobs", ()))
            if ended and first is not None:
                return first
    raise RuntimeError("The event stream ended before the job did.")


def _engine(base: str) -> dict[str, Any]:
    return json.loads(_get(base + "/api/v1/health"))["engine"]


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read()


def _post(address: str, body: dict[str, Any]) -> bytes:
    request = urllib.request.Request(
        address, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def _wait_until(ready: Any, what: str, seconds: float = 60.0) -> None:
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        try:
            if ready():
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass
        time.sleep(0.02)
    raise TimeoutError(f"{what} did not answer within {seconds:g} s.")


def _import_seconds(module: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - started


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
