"""Where a picture starts: noise drawn from its own seed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pipelines.geometry import Size
from pipelines.samplers import Noise, Sampler, brownian_noise

CHANNELS = 4
"""Latent channels of every SD family's autoencoder."""


class PictureNoise:
    """All the randomness of one picture, from one generator on the CPU in float32.

    So a picture never depends on its neighbours in a batch, and every device starts from the
    same numbers.
    """

    def __init__(self, seed: int, size: Size, device: torch.device) -> None:
        self.seed = seed
        self.shape = (1, CHANNELS, *size.latent)
        self.device = device
        self._generator = torch.Generator("cpu").manual_seed(seed)

    def draw(self) -> Tensor:
        """The next standard normal tensor, [1, 4, height / 8, width / 8]."""
        return torch.randn(self.shape, generator=self._generator).to(self.device)

    def for_sampler(self, sampler: Sampler, x: Tensor, sigmas: list[float]) -> Noise:
        """The noise a sampler adds between steps: fresh draws, or a Brownian path if it asks."""
        if sampler.brownian:
            lowest = min(sigma for sigma in sigmas if sigma > 0)
            return brownian_noise(x, lowest, sigmas[0], self.seed)
        return lambda _from, _to: self.draw()


def first_latents(noise: PictureNoise, sampler: Sampler, sigma: float) -> Tensor:
    """Pure noise at `sigma`. Samplers that come from the variance-preserving view start from
    unit variance there, which is sqrt(1 + sigma^2) here."""
    return noise.draw() * (math.sqrt(1.0 + sigma**2) if sampler.unit_start else sigma)
