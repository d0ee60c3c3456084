"""Trains the decoder on alone: a VAE whose pictures keep more, and whose latents are the same."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import nn

from tools.starter.learn.loop import Training, half
from tools.starter.learn.vae import crops, reconstruction_loss, style_chances
from tools.starter.world.scene import Scene


class Decoder(nn.Module):
    """The half of an autoencoder that paints."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.decoder, self.post_quant_conv = vae.decoder, vae.post_quant_conv


def train_decoder(
    vae: AutoencoderKL,
    pictures: np.ndarray,
    scenes: Sequence[Scene],
    path: Path,
    steps: int,
    batch: int = 8,
    crop: int = 128,
) -> AutoencoderKL:
    """Train up to `steps` on crops, resuming from `path` and writing there; a whole autoencoder.

    `pictures` are those of `scenes`, uint8 [n, h, w, 3]. What the encoder makes of a
    picture does not change.
    """
    better = copy.deepcopy(vae).requires_grad_(True)
    edge = ("decoder.conv_in", "decoder.conv_out", "post_quant_conv")
    run = Training(path, Decoder(better), edge, peak=1e-3, average=0.999)
    chances = style_chances(scenes)
    for step in run.until(steps):
        rng = np.random.default_rng((10, step))
        target = crops(pictures, rng.choice(len(pictures), batch, p=chances), rng, crop)
        with half():
            with torch.no_grad():
                latents = vae.encode(target).latent_dist.mode()
            output = better.decode(latents).sample.float()
        run.learn(reconstruction_loss(output, target))
    better.load_state_dict(run.average.model.state_dict(), strict=False)
    return better.eval()
