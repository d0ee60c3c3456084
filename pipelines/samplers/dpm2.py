"""DPM-Solver of second order, plain and ancestral."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.samplers.base import Denoise, Noise, Sampler, Step
from pipelines.samplers.steps import (
    ancestral_split,
    euler_step,
    log_midpoint,
    renoise,
    slope,
)

if TYPE_CHECKING:
    from torch import Tensor


def dpm2_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise, eta: float = 1.0
) -> Iterator[Step]:
    """The midpoint rule of DPM-Solver-2 (Lu et al. 2022a, algorithm 1, r1 = 1/2), with fresh noise.

    The midpoint lies halfway in log sigma. With eta = 0 it is the plain solver.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        down, up = ancestral_split(sigma, sigma_next, eta)
        if down == 0:
            x = euler_step(x, denoised, sigma, down)
        else:
            middle = log_midpoint(sigma, down)
            inner = euler_step(x, denoised, sigma, middle)
            x = x + (down - sigma) * slope(inner, denoise(inner, middle), middle)
        x = renoise(x, up, noise, sigma, sigma_next)
        yield Step(x, denoised, sigma)


def dpm2(denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[Step]:
    """`dpm2_ancestral` without fresh noise."""
    return dpm2_ancestral(denoise, x, sigmas, noise, eta=0.0)


DPM2 = Sampler(
    name="DPM2",
    run=dpm2,
    summary="Checks its course halfway through every step: slow and exact.",
    aliases=("k_dpm_2", "dpm_2", "kdpm_2"),
    schedule="Karras",
    drops_penultimate=True,
    evaluations=2,
)

DPM2_ANCESTRAL = Sampler(
    name="DPM2 a",
    run=dpm2_ancestral,
    summary="DPM2 with fresh noise at every step.",
    aliases=("k_dpm_2_a", "k_dpm_2_ancestral", "dpm_2_ancestral", "kdpm_2_a"),
    schedule="Karras",
    stochastic=True,
    drops_penultimate=True,
    evaluations=2,
)
