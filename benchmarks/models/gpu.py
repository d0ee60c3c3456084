"""On a GPU besides: swaps against the bus, and steps per second against diffusers compiled."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

from benchmarks.full_size import PRESETS, config_with_tokenizer, make_full_size
from benchmarks.models import rival
from benchmarks.models.limits import to_device
from benchmarks.models.ours import PROMPT, Shelf, free, ready, step_seconds, synchronize
from benchmarks.timing import Row, interleaved

STEPS = 30
ROOM_FOR_ONE = 2.0
"""Of a checkpoint's bytes: one fits the device with its activations, two do not."""


def run(shelf: Shelf, rounds: int) -> Iterator[Row | str]:
    """Nothing of it on a machine without one."""
    if shelf.device.type != "cuda":
        yield "No GPU here: swaps against the bus and steps per second were not measured."
        return
    yield from _swaps(shelf, rounds)
    yield from _steps(shelf, "SD 1.5", shelf.files.checkpoints[0], 512, rounds)
    sdxl = make_full_size("sdxl", shelf.files.folder / "xl.safetensors")
    shelf.catalog.rescan()
    yield from _steps(shelf, "SDXL", sdxl, 1024, rounds)


def _swaps(shelf: Shelf, rounds: int) -> Iterator[Row]:
    """The device has room for one checkpoint, the RAM for both: one goes, the other comes."""
    size = shelf.files.checkpoints[0].stat().st_size
    home = torch.empty(size, dtype=torch.uint8, pin_memory=True)
    there = torch.empty(size, dtype=torch.uint8, device=shelf.device)
    engine = shelf.engine(device_budget=int(ROOM_FOR_ONE * size))
    turns = cycle(shelf.files.checkpoints)

    def exchange() -> None:
        to_device(there, home)
        synchronize(shelf.device)
        to_device(home, there)

    seconds = interleaved(
        {
            "ours": lambda: ready(engine, shelf.recipe(next(turns))),
            "bus": lambda: to_device(home, there),
            "both ways": exchange,
        },
        2 * rounds + 1,
    )
    free(engine)
    what = "swap A-B-A, one leaves the device"
    yield Row(what, seconds["ours"], "the bus, one way", seconds["bus"])
    yield Row(what, seconds["ours"], "the bus, both ways", seconds["both ways"])


def _steps(shelf: Shelf, what: str, path: Path, side: int, rounds: int) -> Iterator[Row]:
    engine = shelf.engine()
    config = shelf.files.config
    if what == "SDXL":
        config = config_with_tokenizer(
            PRESETS / "families" / "sdxl", shelf.files.folder / "config-xl"
        )
    plain, compiled = (_pipeline(what, path, config, engine.dtype) for _ in range(2))
    compiled.unet = torch.compile(compiled.unet, mode="max-autotune", fullgraph=True)
    recipes = {"steps": STEPS, "side": side}
    contenders = {
        "ours": lambda: step_seconds(engine, shelf.recipe(path, **recipes)),
        "plain": lambda: _their_steps(plain, side),
        "compiled": lambda: _their_steps(compiled, side),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for round_ in range(rounds + 1):
        for name, steps in contenders.items():
            found = steps()
            if round_:
                seconds[name] += found
    free(engine)
    ours, theirs, best = (statistics.median(seconds[name]) for name in contenders)
    row = f"{what}, {side} px, {engine.dtype}: {1 / ours:.1f} steps a second; a step"
    yield Row(row, ours, f"diffusers, {1 / theirs:.1f} a second", theirs)
    yield Row(row, ours, f"diffusers compiled, {1 / best:.1f} a second", best)


def _pipeline(what: str, path: Path, config: Path, dtype: torch.dtype) -> Any:
    if what != "SDXL":
        return rival.load(path, config, dtype, torch.device("cuda"))
    pipeline = StableDiffusionXLPipeline.from_single_file(
        str(path), config=str(config), torch_dtype=dtype, local_files_only=True
    )
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to("cuda")


def _their_steps(pipeline: Any, side: int) -> list[float]:
    """Seconds of every step but the first."""
    times: list[float] = []

    def told(*_: Any) -> dict[str, Any]:
        synchronize(torch.device("cuda"))
        times.append(time.perf_counter())
        return {}

    pipeline(
        prompt=PROMPT,
        num_inference_steps=STEPS,
        height=side,
        width=side,
        guidance_scale=rival.GUIDANCE,
        output_type="latent",
        callback_on_step_end=told,
    )
    return [later - earlier for earlier, later in pairwise(times)]
