"""Restart sampling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pipelines.samplers.base import Denoise, Noise, Sampler, Step
from pipelines.samplers.heun import heun_step
from pipelines.samplers.steps import renoise

if TYPE_CHECKING:
    from torch import Tensor

# Where a restart begins and how far up it goes back. These, and the shares of the steps below, are
# those of the other programs that have this sampler.
LOW, HIGH = 0.1, 2.0
RHO = 7.0


def _resample(sigmas: Sequence[float], n: int) -> list[float]:
    """n sigmas along the same curve, in between linear in `sigma^(1 / 7)`."""
    roots = np.asarray(sigmas) ** (1 / RHO)
    places = np.linspace(0, len(sigmas) - 1, n)
    return (np.interp(places, np.arange(len(sigmas)), roots) ** RHO).tolist()


def _nearest(sigmas: Sequence[float], sigma: float) -> int:
    return int(np.argmin(np.abs(np.asarray(sigmas) - sigma)))


def restart_walk(sigmas: Sequence[float]) -> list[float]:
    """The noise levels in the order they are visited: `sigmas` with fewer steps, and loops from
    sigma 2 down to 0.1 in the steps that were saved. A rise is a restart.

    Walks of under 20 steps, and those that stay above or below the loop, are left as they are.
    """
    steps = len(sigmas) - 1
    if steps < 20 or sigmas[-1] > 0:
        return list(sigmas)
    rounds, length = (1, 9) if steps < 36 else (2, steps // 4)
    *falling, zero = sigmas
    main = _resample(falling, steps - rounds * length)
    low, high = _nearest(main, LOW), _nearest(main, HIGH)
    if high >= low:
        return list(sigmas)
    loop = _resample(main[high : low + 1], length + 1)
    return [*main[: low + 1], *loop * rounds, *main[low + 1 :], zero]


def restart(denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[Step]:
    """Xu et al. 2023, "Restart Sampling for Improving Generative Processes": Heun's method
    that goes back up in noise and down again, which washes out earlier errors."""
    for sigma, sigma_next in pairwise(restart_walk(sigmas)):
        if sigma_next >= sigma:
            x = renoise(x, (sigma_next**2 - sigma**2) ** 0.5, noise, sigma, sigma_next)
            continue
        denoised = denoise(x, sigma)
        x = heun_step(denoise, x, denoised, sigma, sigma_next)
        yield Step(x, denoised, sigma)


RESTART = Sampler(
    name="Restart",
    run=restart,
    summary="Heun that goes back and tries again; needs 20 steps or more to differ from it.",
    schedule="Karras",
    stochastic=True,
    evaluations=2,
)
