"""Samplers for distilled models, which jump to the picture from any noise level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.samplers.base import Denoise, ModelSigmas, Noise, Sampler, Step
from pipelines.samplers.steps import euler_step, renoise

if TYPE_CHECKING:
    from torch import Tensor


def lcm(denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[Step]:
    """Multistep consistency sampling (Luo et al. 2023, "Latent Consistency Models").

    The boundary factors c_skip and c_out of the paper differ from 0 and 1 by less than 1e-4 at
    every timestep such a model is trained on, and are left out.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        x = renoise(denoised, sigma_next, noise, sigma, sigma_next)
        yield Step(x, denoised, sigma)


def tcd(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise, gamma: float = 0.3
) -> Iterator[Step]:
    """Strategic stochastic sampling (Zheng et al. 2024, "Trajectory Consistency
    Distillation"): denoise to timestep (1 - gamma) t, then add noise back to t.

    Timesteps are those of Stable Diffusion's own schedule, on which such models are distilled.
    """
    levels = ModelSigmas.scaled_linear()
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        down = 0.0
        if sigma_next > 0:
            down = min(sigma_next, levels.sigma((1 - gamma) * levels.timestep(sigma_next)))
        up = (sigma_next**2 - down**2) ** 0.5
        x = renoise(euler_step(x, denoised, sigma, down), up, noise, sigma, sigma_next)
        yield Step(x, denoised, sigma)


LCM = Sampler(
    name="LCM",
    run=lcm,
    summary="For LCM checkpoints and LCM LoRAs only: a picture in 4 to 8 steps.",
    aliases=("k_lcm",),
    schedule="SGM Uniform",
    stochastic=True,
)

TCD = Sampler(
    name="TCD",
    run=tcd,
    summary="For TCD and Hyper-SD LoRAs only: a picture in 4 to 8 steps.",
    aliases=("k_tcd",),
    schedule="SGM Uniform",
    stochastic=True,
)
