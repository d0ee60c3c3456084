"""The extended reverse-time SDE."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pipelines.samplers.base import Denoise, Noise, Sampler, Step
from pipelines.samplers.steps import euler_step, renoise

if TYPE_CHECKING:
    from torch import Tensor


def noise_scale(sigma: np.ndarray) -> np.ndarray:
    """The function phi that the paper found best: how noise fades along the way."""
    return sigma * (np.exp(sigma**0.3) + 10)


def _integrals(sigma: float, sigma_next: float) -> tuple[float, float]:
    """Of `1 / phi(s)` and `(s - sigma) / phi(s)` from `sigma_next` up to `sigma`."""
    points, weights = np.polynomial.legendre.leggauss(32)
    half = math.log(sigma / sigma_next) / 2
    levels = sigma * np.exp((points - 1) * half)
    measure = half * weights * levels / noise_scale(levels)
    return float(np.sum(measure)), float(np.sum(measure * (levels - sigma)))


def er_sde(denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[Step]:
    """ER-SDE-Solver-3, variance exploding (Cui et al. 2023, "Elucidating the Solution Space of
    Extended Reverse-Time SDE for Diffusion Models").

    The estimate is a Taylor series in sigma, its two derivatives taken from the steps before.
    """
    past: list[tuple[float, Tensor]] = []
    rise_before = None
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        rise = (denoised - past[-1][1]) / (sigma - past[-1][0]) if past else None
        if sigma_next == 0:
            x = denoised
        else:
            phi, phi_next = noise_scale(np.array([sigma, sigma_next])).tolist()
            down, span = sigma * phi_next / phi, sigma_next - sigma
            x = euler_step(x, denoised, sigma, down)
            first, second = _integrals(sigma, sigma_next)
            if rise is not None:
                x = x + (span + phi_next * first) * rise
            if rise is not None and rise_before is not None:
                bend = 2 * (rise - rise_before) / (sigma - past[0][0])
                x = x + (span**2 / 2 + phi_next * second) * bend
            x = renoise(x, math.sqrt(sigma_next**2 - down**2), noise, sigma, sigma_next)
        past, rise_before = [*past[-1:], (sigma, denoised)], rise
        yield Step(x, denoised, sigma)


ER_SDE = Sampler(
    name="ER SDE",
    run=er_sde,
    summary="Fresh noise with the care of a third-order solver; detailed in 20 steps.",
    aliases=("er_sde",),
    stochastic=True,
)
