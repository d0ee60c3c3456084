"""Linear multistep methods: the next latents from a weighted sum of the last few slopes.

They all solve `dx/dsigma = slope` and differ in the polynomial they draw through the past.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pipelines.samplers.base import Denoise, Noise, Sampler, Step
from pipelines.samplers.heun import heun_step
from pipelines.samplers.steps import slope

if TYPE_CHECKING:
    from torch import Tensor

Weights = Callable[[Sequence[float], float], list[float]]
"""`weights(past, sigma_next)`: one weight for the slope at each past sigma, the newest first."""


def _integrals(
    nodes: Sequence[float], start: float, stop: float, density: Callable[[np.ndarray], np.ndarray]
) -> list[float]:
    """The integrals of the Lagrange polynomials of `nodes` times `density` over [start, stop]."""
    points, weights = np.polynomial.legendre.leggauss(16)
    half = (stop - start) / 2
    points = start + half * (points + 1)
    measure = half * weights * density(points)
    basis = (
        math.prod((points - other) / (node - other) for other in nodes if other != node)
        for node in nodes
    )
    return [float(np.sum(measure * polynomial)) for polynomial in basis]


def lms_weights(past: Sequence[float], sigma_next: float) -> list[float]:
    """Adams-Bashforth over unequal steps: polynomials in sigma."""
    return _integrals(past, past[0], sigma_next, np.ones_like)


def deis_weights(past: Sequence[float], sigma_next: float) -> list[float]:
    """Polynomials in log sigma (Zhang & Chen 2022, "Fast Sampling of Diffusion Models with
    Exponential Integrator"), where few slopes say most."""
    if sigma_next == 0:
        return [-past[0]]
    return _integrals([math.log(s) for s in past], math.log(past[0]), math.log(sigma_next), np.exp)


ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)


def even_weights(past: Sequence[float], sigma_next: float) -> list[float]:
    """Adams-Bashforth as if all steps were equal (Liu et al. 2022, "Pseudo Numerical Methods for
    Diffusion Models on Manifolds")."""
    return [(sigma_next - past[0]) * share for share in ADAMS_BASHFORTH[len(past) - 1]]


def multistep(
    denoise: Denoise,
    x: Tensor,
    sigmas: Sequence[float],
    noise: Noise,
    *,
    weights: Weights,
    order: int = 4,
    heun_start: bool = False,
) -> Iterator[Step]:
    """A linear multistep method; its order grows from 1 as slopes become known.

    `heun_start` takes the first step with Heun's method, for one evaluation more.
    """
    slopes: deque[Tensor] = deque(maxlen=order)
    past: deque[float] = deque(maxlen=order)
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        slopes.appendleft(slope(x, denoised, sigma))
        past.appendleft(sigma)
        if heun_start and len(past) == 1:
            x = heun_step(denoise, x, denoised, sigma, sigma_next)
        else:
            shares = zip(weights(past, sigma_next), slopes, strict=False)
            x = x + sum(share * each for share, each in shares)
        yield Step(x, denoised, sigma)


LMS = Sampler(
    name="LMS",
    run=partial(multistep, weights=lms_weights),
    summary="Draws a curve through its last four steps; wants 30 steps or more.",
    aliases=("k_lms",),
)

PLMS = Sampler(
    name="PLMS",
    run=partial(multistep, weights=even_weights, heun_start=True),
    summary="The default of the first Stable Diffusion: looks back three steps.",
    aliases=("k_plms", "pndm"),
    schedule="DDIM",
    unit_start=True,
)

IPNDM = Sampler(
    name="IPNDM",
    run=partial(multistep, weights=even_weights),
    summary="PLMS without its slow first step; happiest with an even schedule.",
    aliases=("ipndm",),
)

DEIS = Sampler(
    name="DEIS",
    run=partial(multistep, weights=deis_weights, order=3),
    summary="Exact with few steps: looks back two steps in the scale that suits noise best.",
    aliases=("k_deis",),
)
