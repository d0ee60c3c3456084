"""RAM, each figure in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.models.files import Files
from benchmarks.models.ours import Shelf, paint
from benchmarks.timing import Row
from pipelines.engine.environment import engine_environment

OF_BYTES, BESIDE = 1.3, 1e9
SWAPS, GROWTH = 50, 1.02
ROOM_FOR_ONE = 1.3


def run(shelf: Shelf, rounds: int) -> Iterator[Row | str]:
    """One checkpoint and a picture; then fifty swaps with LoRAs and VAEs, in room for one."""
    if not Path("/proc/self/status").exists():
        yield "Peak RAM is measured on Linux only."
        return
    one = _alone(shelf.files, "one")
    allowed = OF_BYTES * one["model"] + BESIDE
    what = "peak RAM, one checkpoint and a picture"
    yield Row(what, one["peak"] / 1e9, "1.3 x its bytes + 1 GB", allowed / 1e9, 1.0, "GB")
    swaps = _alone(shelf.files, "swaps")["after"]
    first, last, most = (max(some) for some in (swaps[:2], swaps[-2:], swaps))
    what = f"RAM after {SWAPS} swaps, the last two"
    yield Row(what, last / 1e9, "after the first two", first / 1e9, GROWTH, "GB")
    yield Row(f"most after any of {SWAPS} swaps", most / 1e9, "the same", first / 1e9, None, "GB")


def _alone(files: Files, what: str) -> dict:
    command = [sys.executable, "-m", "benchmarks.models", str(files.folder)]
    done = subprocess.run(
        [*command, *map(str, files.checkpoints), what],
        env=engine_environment(os.environ),
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def _one(shelf: Shelf) -> dict:
    engine = shelf.engine()
    paint(engine, shelf.recipe(shelf.files.checkpoints[0]))
    [model] = engine.state()["models"]
    return {"model": model["bytes"], "peak": _peak()}


def _swaps(shelf: Shelf) -> dict:
    """A with a LoRA, B without, and so on; the VAE of its own stays, all else comes and goes."""
    engine = shelf.engine()
    one, two = shelf.files.checkpoints
    lora, *_ = shelf.files.loras
    after = []
    for number in range(SWAPS):
        path, loras = (two, {}) if number % 2 else (one, {lora: 1.0})
        paint(engine, shelf.recipe(path, loras=loras, vae=shelf.files.vae, side=64, steps=1))
        if number == 0:
            largest = max(model["bytes"] for model in engine.state()["models"])
            engine.manager.ram_budget = int(ROOM_FOR_ONE * largest)
        after.append(psutil.Process().memory_info().rss)
    return {"after": after}


def _peak() -> int:
    """Most bytes of RAM this process has ever had, mapped files included."""
    [line] = [
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    ]
    return int(line.split()[1]) * 1024


def measure(folder: str, one: str, two: str, what: str) -> None:
    """In this process, as JSON."""
    shelf = Shelf(Files.make(Path(folder), [Path(one), Path(two)]))
    print(json.dumps({"one": _one, "swaps": _swaps}[what](shelf)))
