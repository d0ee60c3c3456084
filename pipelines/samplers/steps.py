"""The few moves that samplers are made of. All sigmas are Python floats, all latents tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipelines.samplers.base import Noise

if TYPE_CHECKING:
    from torch import Tensor


def euler_step(x: Tensor, denoised: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """From `sigma` to `sigma_next` as if `denoised` stayed what it is.

    Euler's step on `dx/dsigma = (x - x0) / sigma` (Karras et al. 2022, algorithm 1), DDIM (Song et
    al. 2020, eq. 12 with eta = 0) and the first order of DPM-Solver++ (Lu et al. 2022b) are all
    this one line. In this form a step to 0 gives `denoised` exactly.
    """
    return denoised + (sigma_next / sigma) * (x - denoised)


def slope(x: Tensor, denoised: Tensor, sigma: float) -> Tensor:
    """The predicted noise: `dx/dsigma` of the probability flow (Karras et al. 2022, eq. 1, 3)."""
    return (x - denoised) / sigma


def log_midpoint(sigma: float, sigma_next: float) -> float:
    """The sigma halfway in log-SNR, where DPM-Solver takes its inner evaluation."""
    return math.sqrt(sigma * sigma_next)


def ancestral_split(sigma: float, sigma_next: float, eta: float = 1.0) -> tuple[float, float]:
    """How far to denoise (`down`) and how much fresh noise to add (`up`) to land on `sigma_next`.

    `down^2 + up^2 = sigma_next^2`; with eta = 1, `up` is the posterior deviation of DDPM (Ho et
    al. 2020, eq. 7; Song et al. 2020, eq. 16) in sigma space; with eta = 0 nothing is added.
    """
    up = min(sigma_next, eta * sigma_next * math.sqrt(max(1 - (sigma_next / sigma) ** 2, 0.0)))
    return math.sqrt(sigma_next**2 - up**2), up


def renoise(x: Tensor, up: float, noise: Noise, sigma: float, sigma_next: float) -> Tensor:
    """Adds fresh noise of deviation `up`; draws none where there is none to add."""
    return x + up * noise(sigma, sigma_next) if up > 0 else x
