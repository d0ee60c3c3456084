"""How long until the page answers, and from the click to the first step.

The studio is started as an artist starts it, on the starter model, and spoken to over its own
API. Importing torch alone, in the same run, is the yardstick for the start: no studio whose
server imports torch can answer before that is done.
"""

from __future__ import annotations

import json
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
            jobs = {entry["id"]: entry for entry in json.loads(line[5:])["jobs"]}
            mine = jobs.get(job)
            if mine and first is None and (mine["step"] or 0) >= 1:
                first = time.perf_counter() - started
            if mine and mine["state"] == "done" and first is not None:
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
