"""Euler's method and its ancestral form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.samplers.base import Denoise, Noise, Sampler, Step
from pipelines.samplers.steps import ancestral_split, euler_step, renoise

if TYPE_CHECKING:
    from torch import Tensor


def euler(denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[Step]:
    """Karras et al. 2022, algorithm 1 without its second-order correction."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        x = euler_step(x, denoised, sigma, sigma_next)
        yield Step(x, denoised, sigma)


def euler_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise, eta: float = 1.0
) -> Iterator[Step]:
    """DDIM with eta (Song et al. 2020, eq. 12) in sigma space; eta = 1 is DDPM (Ho et al. 2020)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        down, up = ancestral_split(sigma, sigma_next, eta)
        x = euler_step(x, denoised, sigma, down)
        x = renoise(x, up, noise, sigma, sigma_next)
        yield Step(x, denoised, sigma)


EULER = Sampler(
    name="Euler",
    run=euler,
    summary="The plainest sampler: one straight step after another, soft and predictable.",
    aliases=("k_euler",),
)

EULER_ANCESTRAL = Sampler(
    name="Euler a",
    run=euler_ancestral,
    summary="Adds fresh noise at every step, so more steps keep changing the picture.",
    aliases=("k_euler_a", "k_euler_ancestral", "euler_a", "euler_ancestral"),
    stochastic=True,
)

# In sigma space these two walk as Euler and Euler a do; what is their own is the start and the
# schedule.
DDIM = Sampler(
    name="DDIM",
    run=euler,
    summary="The first fast sampler of Stable Diffusion; steady, and easy to invert.",
    aliases=("k_ddim",),
    schedule="DDIM",
    unit_start=True,
)

DDPM = Sampler(
    name="DDPM",
    run=euler_ancestral,
    summary="The original diffusion sampler: noisy, and at its best with very many steps.",
    schedule="DDIM",
    stochastic=True,
    unit_start=True,
)
