"""The painted scenes on disk: one memory-mapped array of pictures, grown scene by scene."""

import os
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np

from tools.starter.paint import SIZE, paint
from tools.starter.scene import draw_scene

HELD_OUT = 10_000_000
"""Scenes from this seed on are never trained on."""


def _paint_chunk(path: Path, first: int, start: int, stop: int) -> None:
    pictures = np.load(path, mmap_mode="r+")
    for i in range(start, stop):
        pictures[i] = np.asarray(paint(draw_scene(first + i)))
    pictures.flush()


def paint_pool(
    path: Path, count: int, first: int = 0, workers: int = os.cpu_count() or 1
) -> np.ndarray:
    """Pictures of scenes `first`..`first + count - 1`: uint8, (count, 256, 256, 3), memory-mapped.

    Painted once; an existing file of that size is taken as it is.
    """
    if not path.exists():
        part = path.with_suffix(".part.npy")
        shape = (count, SIZE, SIZE, 3)
        np.lib.format.open_memmap(part, "w+", np.uint8, shape).flush()
        edges = np.linspace(0, count, 8 * workers + 1).astype(int)
        with ProcessPoolExecutor(workers) as pool:
            jobs = [
                pool.submit(_paint_chunk, part, first, int(a), int(b)) for a, b in pairwise(edges)
            ]
            for job in jobs:
                job.result()
        part.rename(path)
    pictures = np.load(path, mmap_mode="r")
    if len(pictures) != count:
        raise SystemExit(f"{path} holds {len(pictures)} pictures, not {count}: delete it.")
    return pictures
