"""DPM-Solver++ (Lu et al. 2022b, "DPM-Solver++: Fast Solver for Guided Sampling").

It solves in log-SNR, `lambda = -log(sigma)`, with the clean estimate as the unknown. A stretch of
length `h` in lambda scales what is left of the noise by `exp(-h) = sigma_next / sigma`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.samplers.base import Denoise, Noise, Sampler, Step
from pipelines.samplers.steps import ancestral_split, euler_step, log_midpoint, renoise

if TYPE_CHECKING:
    from torch import Tensor


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[Step]:
    """The multistep solver of second order (algorithm 2): extrapolates from the step before."""
    previous, h_before = None, 1.0
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        ahead, h = denoised, math.inf
        if sigma_next > 0:
            h = math.log(sigma / sigma_next)
            if previous is not None:
                ahead = denoised + h / (2 * h_before) * (denoised - previous)
        x = euler_step(x, ahead, sigma, sigma_next)
        previous, h_before = denoised, h
        yield Step(x, denoised, sigma)


def dpmpp_2s_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise, eta: float = 1.0
) -> Iterator[Step]:
    """The singlestep solver of second order (algorithm 1, r = 1/2), with fresh noise."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        down, up = ancestral_split(sigma, sigma_next, eta)
        ahead = denoised
        if down > 0:
            middle = log_midpoint(sigma, down)
            ahead = denoise(euler_step(x, denoised, sigma, middle), middle)
        x = euler_step(x, ahead, sigma, down)
        x = renoise(x, up, noise, sigma, sigma_next)
        yield Step(x, denoised, sigma)


def dpmpp_sde(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise, eta: float = 1.0
) -> Iterator[Step]:
    """The singlestep solver of second order for the reverse SDE, r = 1/2.

    Both the look ahead and the step carry noise of the same path: `noise` has to be Brownian.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            x = denoised
        else:
            middle = log_midpoint(sigma, sigma_next)
            down, up = ancestral_split(sigma, middle, eta)
            inner = euler_step(x, denoised, sigma, down)
            ahead = denoise(renoise(inner, up, noise, sigma, middle), middle)
            down, up = ancestral_split(sigma, sigma_next, eta)
            x = renoise(euler_step(x, ahead, sigma, down), up, noise, sigma, sigma_next)
        yield Step(x, denoised, sigma)


DPMPP_2M = Sampler(
    name="DPM++ 2M",
    run=dpmpp_2m,
    summary="Learns from the step before: the usual choice, sharp in 20 to 30 steps.",
    aliases=("k_dpmpp_2m", "dpmpp_2m"),
    schedule="Karras",
)

DPMPP_2S_ANCESTRAL = Sampler(
    name="DPM++ 2S a",
    run=dpmpp_2s_ancestral,
    summary="Looks ahead inside each step and adds fresh noise after it.",
    aliases=("k_dpmpp_2s_a", "k_dpmpp_2s_ancestral", "dpmpp_2s_ancestral", "dpmpp_2s_a"),
    schedule="Karras",
    stochastic=True,
    evaluations=2,
)

DPMPP_SDE = Sampler(
    name="DPM++ SDE",
    run=dpmpp_sde,
    summary="Rich in detail with few steps, at two evaluations each.",
    aliases=("k_dpmpp_sde", "dpmpp_sde", "dpmpp_sde_gpu"),
    schedule="Karras",
    stochastic=True,
    brownian=True,
    evaluations=2,
)
