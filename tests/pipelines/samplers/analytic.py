"""A model whose exact answer is known: every latent is drawn from a mixture of three Gaussians."""

from __future__ import annotations

import torch
from torch import Tensor

from pipelines.samplers import Noise, Sampler, Step

SHAPE = (1, 4, 8, 8)
MEANS = torch.tensor([-1.5, 0.3, 1.2], dtype=torch.float64)
VARIANCES = torch.tensor([0.4, 0.7, 0.5], dtype=torch.float64) ** 2
SHARES = torch.tensor([0.3, 0.3, 0.4], dtype=torch.float64)


def mixture(x: Tensor, sigma: float) -> Tensor:
    """E[x0 | x] for `x = x0 + sigma * noise`, computed in float64."""
    wide = x.double().unsqueeze(-1)
    variance = VARIANCES + sigma**2
    log_odds = SHARES.log() - variance.log() / 2 - (wide - MEANS) ** 2 / (2 * variance)
    means = (MEANS * sigma**2 + wide * VARIANCES) / variance
    return (log_odds.softmax(-1) * means).sum(-1).to(x.dtype)


def gaussian(mean: float, deviation: float):
    """The denoiser of normally distributed latents."""

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return (mean * sigma**2 + x * deviation**2) / (deviation**2 + sigma**2)

    return denoise


def start(sigma: float, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    """Noise of deviation `sigma`."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(SHAPE, generator=generator, dtype=torch.float64).to(dtype) * sigma


def drawn(seed: int, shape: tuple[int, ...] = SHAPE, dtype: torch.dtype = torch.float64) -> Noise:
    """Fresh noise for every stretch."""
    generator = torch.Generator().manual_seed(seed)
    return lambda sigma, sigma_next: torch.randn(shape, generator=generator, dtype=dtype)


def no_noise(sigma: float, sigma_next: float) -> Tensor:
    """For walks that must not ask for any."""
    raise AssertionError("a deterministic walk drew noise")


def walk(sampler: Sampler, sigmas: list[float], seed: int = 1) -> list[Step]:
    """All steps of a sampler on the mixture, in float64."""
    return list(sampler.run(mixture, start(sigmas[0], seed), sigmas, drawn(seed + 100)))
