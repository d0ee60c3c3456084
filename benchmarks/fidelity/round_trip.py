"""Pictures through a VAE, as the engine has it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from pipelines.engine.decode import decode
from pipelines.models.loader import LoadedCheckpoint
from tools.starter.learn import vae
from tools.starter.learn.vae import to_tensor


@torch.inference_mode()
def round_trip(models: LoadedCheckpoint, pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """Each picture encoded, then decoded by the engine."""
    factor, seen = models.vae.config["scaling_factor"], []
    for picture in pictures:
        pixels = to_tensor(np.asarray(picture)[None]).to(models.device, models.dtype)
        latents = models.vae.encode(pixels, return_dict=False)[0].mode().float() * factor
        seen.append(decode(latents, models))
    return seen


def psnr(seen: Image.Image, wanted: Image.Image) -> float:
    """Peak signal to noise ratio in dB; infinite where there is no difference."""
    with np.errstate(divide="ignore"):
        [rate] = vae.psnr(np.asarray(seen)[None], np.asarray(wanted)[None])
    return float(rate)
