"""Cached latents of painted scenes and of their mirror images: float16 [count, 2, 4, 32, 32].

And what the autoencoder makes of pictures, there and back.
"""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
from diffusers import AutoencoderKL

from tools.starter.learn.grown import grown
from tools.starter.learn.pool import painted
from tools.starter.learn.vae import decode, encode
from tools.starter.learn.views import paint_view, view_of
from tools.starter.world.scene import scene

_BATCH = 16


def whole_latents(vae: AutoencoderKL, pictures: np.ndarray, path: Path) -> np.ndarray:
    """Those of a pool's pictures as they are. An existing file is taken as it is."""

    def rows(start: int) -> Iterator[np.ndarray]:
        for i in range(start, len(pictures), _BATCH):
            yield _both_ways(vae, pictures[i : i + _BATCH])

    height, width = (side // 8 for side in pictures.shape[1:3])
    shape = (len(pictures), 2, vae.config.latent_channels, height, width)
    return grown(path, shape, np.float16, rows)


def viewed_latents(vae: AutoencoderKL, whole: np.ndarray, path: Path) -> np.ndarray:
    """Those of the same scenes, each in its own view; `whole` are those of the scenes as they are.

    Only what is not seen whole is painted anew.
    """

    def rows(start: int) -> Iterator[np.ndarray]:
        parts = [seed for seed in range(start, len(whole)) if not view_of(seed).whole]
        pictures = chain.from_iterable(painted(_paint, parts))
        for i in range(start, len(whole), _BATCH):
            batch = np.array(whole[i : i + _BATCH])
            places = [k for k in range(len(batch)) if not view_of(i + k).whole]
            if places:
                batch[places] = _both_ways(vae, np.stack(list(islice(pictures, len(places)))))
            yield batch

    return grown(path, whole.shape, np.float16, rows)


def round_trips(vae: AutoencoderKL, pictures: np.ndarray, path: Path) -> np.ndarray:
    """The pictures of a pool after the way to latents and back: uint8 [n, h, w, 3]."""

    def rows(start: int) -> Iterator[np.ndarray]:
        for i in range(start, len(pictures), _BATCH):
            yield decode(vae, encode(vae, pictures[i : i + _BATCH]))

    return grown(path, pictures.shape, np.uint8, rows)


def _both_ways(vae: AutoencoderKL, pictures: np.ndarray) -> np.ndarray:
    return np.stack([encode(vae, pictures), encode(vae, pictures[:, :, ::-1])], 1)


def _paint(seed: int) -> np.ndarray:
    return paint_view(scene(seed), view_of(seed))
