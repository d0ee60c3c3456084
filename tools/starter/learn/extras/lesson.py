"""What every addition learns from: latents, a caption for each, and the frozen checkpoint."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from tools.starter.learn.loop import Training, device
from tools.starter.learn.pool import painted
from tools.starter.learn.unet import Noise
from tools.starter.learn.vae import encode
from tools.starter.world.scene import Scene

Caption = Callable[[Scene, np.random.Generator], str]
Read = Callable[[list[str], np.random.Generator], Tensor]
"""Texts to the states that the UNet sees, [n, 77, width]."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """`latents` [n, 4, h, w] of spread 1 are those of `scenes`; `caption` says what they show."""

    scenes: list[Scene]
    latents: np.ndarray
    caption: Caption

    @classmethod
    def paint(
        cls,
        vae: AutoencoderKL,
        scenes: list[Scene],
        brush: Callable[[int], np.ndarray],
        caption: Caption,
    ) -> "Lesson":
        """Paint the scenes with `brush`, which takes the index of one, on all cores."""
        pictures = painted(brush, range(len(scenes)))
        return cls(scenes, np.concatenate([encode(vae, batch) for batch in pictures]), caption)

    def batches(self, run: Training, steps: int, size: int) -> Iterator[tuple]:
        """For each step that is left: clean latents, their captions, and a generator."""
        for step in run.until(steps):
            rng = np.random.default_rng((9, step))
            picks = rng.integers(0, len(self.scenes), size)
            clean = torch.from_numpy(self.latents[picks].astype(np.float32)).to(device())
            yield clean, [self.caption(self.scenes[i], rng) for i in picks], rng


def learn(run: Training, unet: nn.Module, lesson: Lesson, read: Read, steps: int, size: int = 16):
    """Teach `run.model`, whose weights take part in `unet` or in `read`; the average of it.

    The checkpoint's own weights stay as they are.
    """
    noise = Noise.of("starter")
    for clean, captions, rng in lesson.batches(run, steps, size):
        run.learn(noise.loss(unet, clean, read(captions, rng), {}, rng))
    return run.average.model


def frozen(unet: nn.Module) -> nn.Module:
    """The UNet, in evaluation mode and without gradients of its own, as fast as it can be."""
    if device().type == "cpu":
        unet.set_attn_processor(AttnProcessor())
    return unet.eval().requires_grad_(False).to(device())
