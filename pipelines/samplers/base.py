"""The types every sampler and schedule is written in.

All of them live in sigma space (Karras et al. 2022, "Elucidating the Design Space of
Diffusion-Based Generative Models"): a noisy latent is `x = x0 + sigma * noise`, so `sigma` is the
standard deviation of the noise and a picture is `sigma = 0`. The variance-preserving latent a
Stable Diffusion model was trained on is `x / sqrt(1 + sigma^2)`; that scaling belongs to the
denoiser, not to the sampler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Denoise: TypeAlias = "Callable[[Tensor, float], Tensor]"
"""`denoise(x, sigma) -> x0`: the model's estimate of the clean latents, of the shape of `x`."""

Noise: TypeAlias = "Callable[[float, float], Tensor]"
"""`noise(sigma_from, sigma_to)`: standard normal numbers of the latents' shape for that stretch."""

Run: TypeAlias = "Callable[[Denoise, Tensor, Sequence[float], Noise], Iterator[Step]]"

# The ten-step schedules printed in Sabour et al. 2024, "Align Your Steps: Optimizing Sampling
# Schedules in Diffusion Models", for Stable Diffusion 1.5 and for SDXL; the eleventh value is the
# sigma that stands in for zero.
ALIGNED_SD1 = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)
ALIGNED_SDXL = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)


@dataclass(frozen=True)
class Step:
    """What a sampler hands out after each step.

    `x` are the latents after the step, `denoised` the clean estimate it was taken with (what a
    preview shows), `sigma` the noise level it left.
    """

    x: Tensor
    denoised: Tensor
    sigma: float


@dataclass(frozen=True)
class Sampler:
    """One way to walk from noise to a picture.

    `run(denoise, x, sigmas, noise)` takes `x` at `sigmas[0]` and yields exactly `len(sigmas) - 1`
    steps; the last `Step.x` is the result. It never asks for the denoiser at sigma 0 and never
    writes into `x`.
    """

    name: str
    run: Run
    summary: str
    aliases: tuple[str, ...] = ()
    schedule: str = "Normal"
    """The schedule that "Automatic" stands for."""
    stochastic: bool = False
    """Adds fresh noise on the way (ancestral and SDE samplers)."""
    brownian: bool = False
    """Its noise must be one Brownian path (`brownian_noise`), for stretches that overlap."""
    unit_start: bool = False
    """Starts from `noise * sqrt(1 + sigma_max^2)`, unit variance in the model's own space, rather
    than from `noise * sigma_max`."""
    drops_penultimate: bool = False
    """Walks the schedule of one step more without its smallest sigma."""
    evaluations: int = 1
    """How often a step asks the denoiser, for the estimate of time."""


@dataclass(frozen=True)
class Schedule:
    """How the noise falls: `sigmas(n, model)` gives n + 1 descending values, the last one 0.0."""

    name: str
    sigmas: Callable[[int, ModelSigmas], list[float]]
    summary: str
    aliases: tuple[str, ...] = ()


class ModelSigmas:
    """The noise levels a model was trained on, and the way between timesteps and sigmas.

    `alphas_cumprod` holds the share of signal left at each training timestep, descending, in
    (0, 1) (Ho et al. 2020); sigma is `sqrt((1 - a) / a)`. `aligned` is the model's published
    "Align Your Steps" schedule. All arithmetic is float64.
    """

    def __init__(
        self, alphas_cumprod: Sequence[float], *, aligned: Sequence[float] = ALIGNED_SD1
    ) -> None:
        alphas = np.asarray(alphas_cumprod, dtype=np.float64)
        self.table: tuple[float, ...] = tuple(np.sqrt((1 - alphas) / alphas).tolist())
        """Sigma at each training timestep, ascending."""
        self.aligned = tuple(aligned)
        self._log_table = np.log(self.table)
        self._timesteps = np.arange(len(self.table), dtype=np.float64)

    @classmethod
    def scaled_linear(
        cls,
        beta_start: float = 0.00085,
        beta_end: float = 0.012,
        n: int = 1000,
        *,
        zero_terminal_snr: bool = False,
        aligned: Sequence[float] = ALIGNED_SD1,
    ) -> ModelSigmas:
        """The schedule of Stable Diffusion: betas linear in their square root, shifted by
        `zero_terminal_snr` if asked."""
        betas = np.linspace(beta_start**0.5, beta_end**0.5, n, dtype=np.float64) ** 2
        alphas = np.cumprod(1 - betas)
        if zero_terminal_snr:
            alphas = rescale_to_zero_terminal_snr(alphas)
        return cls(alphas.tolist(), aligned=aligned)

    @property
    def min(self) -> float:
        """Sigma at the first timestep: the least noise the model has seen."""
        return self.table[0]

    @property
    def max(self) -> float:
        """Sigma at the last timestep: the most noise the model has seen."""
        return self.table[-1]

    def sigma(self, timestep: float) -> float:
        """Sigma at a timestep in [0, n - 1], between two of them linear in log sigma."""
        return float(np.exp(np.interp(timestep, self._timesteps, self._log_table)))

    def timestep(self, sigma: float) -> float:
        """The timestep of a sigma > 0, the inverse of `sigma`; beyond the table, its end."""
        return float(np.interp(np.log(sigma), self._log_table, self._timesteps))


def rescale_to_zero_terminal_snr(alphas_cumprod: Sequence[float] | np.ndarray) -> np.ndarray:
    """Shift a schedule so that its last timestep is pure noise: float64 [timesteps].

    Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", algorithm 1.
    The infinite sigma that gives is held at 4096, where signal vanishes in half precision.
    """
    root = np.sqrt(np.asarray(alphas_cumprod, dtype=np.float64))
    rescaled = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
    rescaled[-1] = 2.0**-24
    return rescaled
