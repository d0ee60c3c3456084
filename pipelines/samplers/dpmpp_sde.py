"""The multistep solvers of DPM-Solver++ for the reverse SDE (Lu et al. 2022b), known as 2M
SDE and 3M SDE.

With `h` the step in log-SNR and `H = (1 + eta) h`, the exact solution from `x` is

    exp(-H) x + integral over the step of H exp(-H (1 - u)) x0(u) du + sigma_next sqrt(1 -
    exp(-2 eta h)) noise,    u in [0, 1],

and a solver is a polynomial in place of `x0(u)`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.samplers.base import Denoise, Noise, Sampler, Step
from pipelines.samplers.steps import renoise

if TYPE_CHECKING:
    from torch import Tensor


def _linear_weight(big_h: float) -> float:
    """The integral of `H exp(-H (1 - u)) u` over [0, 1]."""
    return 1 + math.expm1(-big_h) / big_h


def _fresh(sigma_next: float, h: float, eta: float) -> float:
    """The deviation of the noise that the SDE adds over the step."""
    return sigma_next * math.sqrt(-math.expm1(-2 * eta * h))


def dpmpp_2m_sde(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    noise: Noise,
    eta: float = 1.0,
    heun: bool = False,
) -> Iterator[Step]:
    """SDE-DPM-Solver++(2M); `heun` integrates the straight line through the last two estimates
    exactly, otherwise it is taken at the middle of the step."""
    previous, h_before = None, 1.0
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x, h = denoised, math.inf
        else:
            h = math.log(sigma / sigma_next)
            big_h = (1 + eta) * h
            x = denoised + math.exp(-big_h) * (x - denoised)
            if previous is not None:
                weight = _linear_weight(big_h) if heun else -math.expm1(-big_h) / 2
                x = x + weight * (h / h_before) * (denoised - previous)
            x = renoise(x, _fresh(sigma_next, h, eta), noise, sigma, sigma_next)
        previous, h_before = denoised, h
        yield Step(x, denoised, sigma)


def dpmpp_3m_sde(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise, eta: float = 1.0
) -> Iterator[Step]:
    """SDE-DPM-Solver++(3M): a parabola through the last three estimates.

    The square term carries half the weight the integral asks for, as in the authors' code and in
    every program artists know this sampler from.
    """
    past: list[tuple[Tensor, float]] = []
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x, h = denoised, math.inf
        else:
            h = math.log(sigma / sigma_next)
            big_h = (1 + eta) * h
            x = denoised + math.exp(-big_h) * (x - denoised)
            linear = _linear_weight(big_h)
            if past:
                first, h1 = past[-1]
                rise = (denoised - first) / h1
                if len(past) == 2:
                    second, h2 = past[0]
                    bend = (rise - (first - second) / h2) / (h1 + h2)
                    rise = rise + h1 * bend
                    x = x + (0.5 - linear / big_h) * h**2 * bend
                x = x + linear * h * rise
            x = renoise(x, _fresh(sigma_next, h, eta), noise, sigma, sigma_next)
        past = [*past[-1:], (denoised, h)]
        yield Step(x, denoised, sigma)


DPMPP_2M_SDE = Sampler(
    name="DPM++ 2M SDE",
    run=dpmpp_2m_sde,
    summary="DPM++ 2M with fresh noise: more texture, one evaluation a step.",
    aliases=("k_dpmpp_2m_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu"),
    schedule="Exponential",
    stochastic=True,
    brownian=True,
)

DPMPP_2M_SDE_HEUN = Sampler(
    name="DPM++ 2M SDE Heun",
    run=partial(dpmpp_2m_sde, heun=True),
    summary="DPM++ 2M SDE with a finer extrapolation.",
    aliases=("k_dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu"),
    schedule="Exponential",
    stochastic=True,
    brownian=True,
)

DPMPP_3M_SDE = Sampler(
    name="DPM++ 3M SDE",
    run=dpmpp_3m_sde,
    summary="Looks back two steps; made for many steps and a gentle guidance scale.",
    aliases=("k_dpmpp_3m_sde", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu"),
    schedule="Exponential",
    stochastic=True,
    brownian=True,
    drops_penultimate=True,
)
