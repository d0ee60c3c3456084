"""The pools of painted pictures, painted once by all cores."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from tools.starter.learn.grown import grown
from tools.starter.world.scene import Scene, scene

SIZE = 256
_BATCH = 32


def paint_pool(path: Path, count: int, first: int = 0, held_out: bool | None = False) -> np.ndarray:
    """Pictures of `scene(first)` to `scene(first + count - 1)`: uint8 [count, 256, 256, 3].

    Memory-mapped. `held_out` is `scene`'s own.
    """
    paint = partial(_paint, held_out)

    def rows(start: int) -> Iterator[np.ndarray]:
        return painted(paint, range(first + start, first + count))

    return grown(path, (count, SIZE, SIZE, 3), np.uint8, rows)


def scenes(count: int, first: int = 0, held_out: bool | None = False) -> list[Scene]:
    """The scenes of a pool's pictures, in their order."""
    return [scene(seed, held_out) for seed in range(first, first + count)]


def painted(paint: Callable[[int], np.ndarray], seeds: Sequence[int]) -> Iterator[np.ndarray]:
    """Batches of what `paint` makes of each seed, on all cores, not far ahead of what is taken."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores) as workers:
        for i in range(0, len(seeds), 8 * cores * _BATCH):
            ahead = seeds[i : i + 8 * cores * _BATCH]
            pictures = np.stack(list(workers.map(paint, ahead, chunksize=_BATCH)))
            yield from (pictures[k : k + _BATCH] for k in range(0, len(pictures), _BATCH))


def _paint(held_out: bool | None, seed: int) -> np.ndarray:
    from tools.starter.world.paint import paint

    return paint(scene(seed, held_out), (SIZE, SIZE), truth=False).pixels
