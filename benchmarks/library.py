"""Ten thousand LoRAs: the first scan, every later one, and the page meanwhile.

The yardsticks are taken in the same run: a bare walk (`os.scandir` and `stat` of every file) and
parsing every bare header as JSON, with nothing made of it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.loras import write_loras
from benchmarks.timing import Row
from pipelines.catalog import PRESETS
from pipelines.families import families, variants
from pipelines.library.library import Library

COUNT = 10_000
COLD_SECONDS, WARM_SECONDS = 10.0, 0.3
ANSWER_SECONDS = 0.1


def run() -> Iterator[Row]:
    """Scan with an empty cache, then with a full one, then serve a page over an empty one."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        models = home / "models"
        write_loras(models / "loras", COUNT)
        walk, parse = _walk_seconds(models), _parse_seconds(models)
        cold, _ = _scan_seconds(models, home / "cache.sqlite")
        opened, scanned = zip(
            *(_warm_seconds(models, home / "cache.sqlite") for _ in range(5)), strict=True
        )
        yield Row("cold scan of 10,000 LoRAs", cold, "limit", COLD_SECONDS, wanted=1.0)
        yield Row("the same", cold, "parsing the bare headers", parse)
        warm = sorted(map(sum, zip(opened, scanned, strict=True)))[2]
        yield Row("warm: open and scan", warm, "limit", WARM_SECONDS, wanted=1.0)
        yield Row("warm: scan alone", sorted(scanned)[2], "bare walk", walk)
        yield from _page(home, models)


def _walk_seconds(models: Path) -> float:
    started = time.perf_counter()
    waiting, count = [os.fspath(models)], 0
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    waiting.append(entry.path)
                else:
                    entry.stat()
                    count += 1
    assert count == COUNT
    return time.perf_counter() - started


def _parse_seconds(models: Path) -> float:
    started = time.perf_counter()
    for path in models.rglob("*.safetensors"):
        with path.open("rb", buffering=0) as file:
            json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return time.perf_counter() - started


def _scan_seconds(models: Path, cache: Path) -> tuple[float, int]:
    started = time.perf_counter()
    library = Library([models], families(), variants([PRESETS]), cache)
    library.scan(patience=600)
    seconds, count = time.perf_counter() - started, len(library.entries("lora"))
    assert count == COUNT
    library.close()
    return seconds, count


def _warm_seconds(models: Path, cache: Path) -> tuple[float, float]:
    """Seconds to list what the cache knows, and to find it unchanged."""
    known, shapes = families(), variants([PRESETS])
    started = time.perf_counter()
    library = Library([models], known, shapes, cache)
    listed = time.perf_counter()
    assert not library.scan(patience=60)
    seconds = listed - started, time.perf_counter() - listed
    library.close()
    return seconds


def _page(home: Path, models: Path) -> Iterator[Row]:
    """How long the API takes while the first scan goes on behind it, and until the page is there
    at all."""
    with _studio(home / "without", home / "none") as (_, alone):
        pass
    with _studio(home, models) as (base, started):
        answers: list[float] = []
        while _get(f"{base}/api/v1/models/scan")["scanning"]:
            for path in ("choices", "models?text=77&limit=50", "jobs", "health"):
                asked = time.perf_counter()
                _get(f"{base}/api/v1/{path}")
                answers.append(time.perf_counter() - asked)
        total = _get(f"{base}/api/v1/models?role=lora")["total"]
        assert total == COUNT, total
        yield Row("page ready, over a cold library", started, "over an empty one", alone)
        slow = sorted(answers)[int(0.95 * len(answers))]
        what = f"95 % of {len(answers)} answers while scanning"
        yield Row(what, slow, "limit", ANSWER_SECONDS, wanted=1.0)


@contextmanager
def _studio(home: Path, models: Path) -> Iterator[tuple[str, float]]:
    """A running studio: its address, and the seconds until it said that it is ready."""
    command = [sys.executable, "-m", "app.cli", "serve", "--no-browser", "--models", str(models)]
    command += ["--outputs", str(home / "outputs"), "--data", str(home / "data")]
    command += ["--port", str(_free_port())]
    started = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield url, time.perf_counter() - started
    finally:
        server.terminate()
        server.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.load(answer)
