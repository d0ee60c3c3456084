"""Cached latents of painted scenes and of their mirror images."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from diffusers import AutoencoderKL

from tools.starter.learn.vae import encode
from tools.starter.learn.views import paint_view, view_of
from tools.starter.world.scene import scene

_BATCH = 16


def cache_latents(
    vae: AutoencoderKL, batches: Iterable[np.ndarray], count: int, path: Path
) -> np.ndarray:
    """Encode `count` uint8 pictures and their mirror images: float16 [2 count, 4, h, w].

    Mirror images last. An existing file is taken as it is.
    """
    if not path.exists():
        part, done, out = path.with_suffix(".part.npy"), 0, None
        for batch in batches:
            if out is None:
                shape = (2 * count, 4, batch.shape[1] // 8, batch.shape[2] // 8)
                out = np.lib.format.open_memmap(part, "w+", np.float16, shape)
            out[done : done + len(batch)] = encode(vae, batch)
            out[count + done : count + done + len(batch)] = encode(vae, batch[:, :, ::-1])
            done += len(batch)
            if done % (125 * _BATCH) == 0:
                print(f"{path.stem}: {done} of {count} encoded", flush=True)
        part.rename(path)
    return np.load(path, mmap_mode="r")


def whole(pictures: np.ndarray) -> Iterator[np.ndarray]:
    """A pool's pictures in batches."""
    return (pictures[i : i + _BATCH] for i in range(0, len(pictures), _BATCH))


def viewed(count: int) -> Iterator[np.ndarray]:
    """Pictures of the scenes 0..count - 1, each in its own view, in batches, painted meanwhile."""
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        for start in range(0, count, 32 * _BATCH):
            seeds = range(start, min(start + 32 * _BATCH, count))
            pictures = np.stack(list(workers.map(_paint, seeds, chunksize=_BATCH)))
            yield from whole(pictures)


def _paint(seed: int) -> np.ndarray:
    return paint_view(scene(seed), view_of(seed))
