"""Heun's method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.samplers.base import Denoise, Noise, Sampler, Step
from pipelines.samplers.steps import euler_step, slope

if TYPE_CHECKING:
    from torch import Tensor


def heun_step(
    denoise: Denoise, x: Tensor, denoised: Tensor, sigma: float, sigma_next: float
) -> Tensor:
    """Karras et al. 2022, algorithm 1, lines 4 to 8: the mean of the slopes at both ends."""
    guess = euler_step(x, denoised, sigma, sigma_next)
    if sigma_next == 0:
        return guess
    there = slope(guess, denoise(guess, sigma_next), sigma_next)
    return x + (sigma_next - sigma) * (slope(x, denoised, sigma) + there) / 2


def heun(denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[Step]:
    """Second order, two evaluations a step but for the last one."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        x = heun_step(denoise, x, denoised, sigma, sigma_next)
        yield Step(x, denoised, sigma)


HEUN = Sampler(
    name="Heun",
    run=heun,
    summary="Looks ahead before every step: twice the time of Euler and far more exact.",
    aliases=("k_heun",),
    evaluations=2,
)
