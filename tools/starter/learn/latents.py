"""Cached latents of painted scenes and of their mirror images."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from diffusers import AutoencoderKL

from tools.starter.learn.grown import grown
from tools.starter.learn.pool import SIZE, painted
from tools.starter.learn.vae import encode
from tools.starter.learn.views import paint_view, view_of
from tools.starter.world.scene import scene

_BATCH = 16


def cache_latents(
    vae: AutoencoderKL, pictures: Callable[[int], Iterator[np.ndarray]], count: int, path: Path
) -> np.ndarray:
    """Latents of `count` pictures, each with its mirror image's: float16 [count, 2, 4, 32, 32].

    `pictures(start)` gives uint8 pictures from `start` on, in batches. An existing file is taken
    as it is.
    """

    def rows(start: int) -> Iterator[np.ndarray]:
        for batch in pictures(start):
            yield np.stack([encode(vae, batch), encode(vae, batch[:, :, ::-1])], 1)

    shape = (count, 2, vae.config.latent_channels, SIZE // 8, SIZE // 8)
    return grown(path, shape, np.float16, rows)


def whole(pictures: np.ndarray) -> Callable[[int], Iterator[np.ndarray]]:
    """A pool's pictures as they are."""
    return lambda start: (pictures[i : i + _BATCH] for i in range(start, len(pictures), _BATCH))


def viewed(count: int) -> Callable[[int], Iterator[np.ndarray]]:
    """The scenes 0..count - 1, each in its own view, painted meanwhile."""
    return lambda start: painted(_paint, range(start, count))


def _paint(seed: int) -> np.ndarray:
    return paint_view(scene(seed), view_of(seed))
