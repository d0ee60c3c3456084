"""Latents to pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from pipelines.engine.tiles import decode_in_tiles
from pipelines.errors import InvalidNumbers
from pipelines.models.loader import LoadedCheckpoint


def decode(
    latents: Tensor, models: LoadedCheckpoint, tile: int | None = None, float32: bool = False
) -> Image.Image:
    """Decode [1, 4, h, w] latents into an RGB picture of 8h x 8w pixels: in tiles of `tile`
    latents on a side if it is given, and with `float32` whatever the dtype of the VAE.

    Raises InvalidNumbers rather than saving a black picture.
    """
    pixels = decode_pixels(latents, models, tile, float32)
    if not pixels.isfinite().all():
        raise InvalidNumbers(
            "The VAE returned numbers that are not numbers (NaN), so there is no picture.",
            "Run with --dtype float32, or use a checkpoint whose VAE is fixed for half precision.",
        )
    return to_image(pixels)


def decode_pixels(
    latents: Tensor, models: LoadedCheckpoint, tile: int | None = None, float32: bool = False
) -> Tensor:
    """The decoder's output as float32 [1, 3, 8h, 8w], nominally in -1..1."""
    vae = models.vae
    # SDXL's decoder overflows float16: its config asks for float32.
    float32 = float32 or (vae.config["force_upcast"] and vae.dtype == torch.float16)

    with models.using("vae"), in_float32(vae) if float32 else nullcontext():
        scaled = (latents.to(models.device) / vae.config["scaling_factor"]).to(vae.dtype)
        if tile is not None:
            return decode_in_tiles(vae, scaled, tile).float()
        return vae.decode(scaled, return_dict=False)[0].float()


@contextmanager
def in_float32(module: nn.Module) -> Iterator[None]:
    """Within it the module computes in float32; afterwards its weights are the very same."""
    homes = [(tensor, tensor.data) for tensor in (*module.parameters(), *module.buffers())]
    try:
        for tensor, home in homes:
            tensor.data = home.float() if home.is_floating_point() else home
        yield
    finally:
        for tensor, home in homes:
            tensor.data = home


def to_image(pixels: Tensor) -> Image.Image:
    """[1, 3, height, width] in -1..1 to 8-bit RGB, rounding to nearest."""
    unit = (pixels[0] / 2 + 0.5).clamp(0, 1)
    array = (unit.permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)
    return Image.fromarray(array)
