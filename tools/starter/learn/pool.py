"""Painted scenes on disk: one memory-mapped array of pictures, painted by all cores."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from tools.starter.world.scene import Scene, scene

SIZE = 256


def paint_pool(path: Path, count: int, first: int = 0, held_out: bool | None = False) -> np.ndarray:
    """Pictures of `scene(first)` to `scene(first + count - 1)`: uint8 [count, 256, 256, 3].

    Memory-mapped. Painted once; an interrupted painting goes on where it was. `held_out` is
    `scene`'s own.
    """
    if not path.exists():
        part, done = path.with_suffix(".part.npy"), path.with_suffix(".done")
        if not done.exists():
            shape = (count, SIZE, SIZE, 3)
            np.lib.format.open_memmap(part, "w+", np.uint8, shape).flush()
            done.write_text("0")
        start = int(done.read_text())
        pictures = np.load(part, mmap_mode="r+")
        seeds = range(first + start, first + count)
        for i, picture in enumerate(_painted(seeds, held_out), start):
            pictures[i] = picture
            if (i + 1) % 1000 == 0:
                pictures.flush()
                done.write_text(str(i + 1))
                print(f"{path.stem}: {i + 1} of {count} painted", flush=True)
        pictures.flush()
        part.rename(path)
        done.unlink()
    pictures = np.load(path, mmap_mode="r")
    if len(pictures) != count:
        raise SystemExit(f"{path} holds {len(pictures)} pictures, not {count}: delete it.")
    return pictures


def scenes(count: int, first: int = 0, held_out: bool | None = False) -> list[Scene]:
    """The scenes of a pool's pictures, in their order."""
    return [scene(seed, held_out) for seed in range(first, first + count)]


def _painted(seeds: range, held_out: bool | None) -> Iterator[np.ndarray]:
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        yield from workers.map(partial(_paint, held_out), seeds, chunksize=32)


def _paint(held_out: bool | None, seed: int) -> np.ndarray:
    from tools.starter.world.paint import paint

    return paint(scene(seed, held_out), (SIZE, SIZE), truth=False).pixels
