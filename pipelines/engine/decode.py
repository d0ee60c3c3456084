"""Latents to pixels."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from pipelines.errors import InvalidNumbers
from pipelines.models.loader import LoadedCheckpoint


def decode(latents: Tensor, models: LoadedCheckpoint) -> Image.Image:
    """Decode [1, 4, h, w] latents into an RGB picture of 8h x 8w pixels.

    Raises InvalidNumbers rather than saving a black picture.
    """
    if not latents.isfinite().all():
        raise InvalidNumbers(
            "The model returned numbers that are not numbers (NaN), so there is no picture.",
            "Try another sampler or a lower guidance scale. If every picture fails, run with "
            "--dtype float32; if that fails, too, the checkpoint is damaged: copy it again.",
        )
    pixels = decode_pixels(latents, models)
    if not pixels.isfinite().all():
        raise InvalidNumbers(
            "The VAE returned numbers that are not numbers (NaN), so there is no picture.",
            "Run with --dtype float32, or use a checkpoint whose VAE is fixed for half precision.",
        )
    return to_image(pixels)


def decode_pixels(latents: Tensor, models: LoadedCheckpoint) -> Tensor:
    """The decoder's output as float32 [1, 3, 8h, 8w], nominally in -1..1."""
    vae = models.vae
    scaled = latents / vae.config["scaling_factor"]
    if vae.config["force_upcast"] and vae.dtype == torch.float16:
        # SDXL's decoder overflows float16: its config asks for float32. Module's own `to`, because
        # the one of diffusers writes a warning at every call.
        nn.Module.to(vae, torch.float32)
        try:
            return vae.decode(scaled.float(), return_dict=False)[0]
        finally:
            nn.Module.to(vae, torch.float16)
    return vae.decode(scaled.to(vae.dtype), return_dict=False)[0].float()


def to_image(pixels: Tensor) -> Image.Image:
    """[1, 3, height, width] in -1..1 to 8-bit RGB, rounding to nearest."""
    unit = (pixels[0] / 2 + 0.5).clamp(0, 1)
    array = (unit.permute(1, 2, 0).cpu().numpy() * 255).round().astype(np.uint8)
    return Image.fromarray(array)
