"""The schedules artists choose from. Each gives n + 1 sigmas, n >= 1, that fall to 0.0."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from pipelines.samplers.base import ModelSigmas, Schedule

AUTOMATIC = "Automatic"


def _ramp(n: int) -> list[float]:
    """n even values from 0 to 1."""
    return np.linspace(0, 1, n).tolist()


def normal(n: int, model: ModelSigmas) -> list[float]:
    """Even in timesteps, from the last one to the first (what k-diffusion gives a model)."""
    last = model.timestep(model.max)
    return [*(model.sigma(last * (1 - r)) for r in _ramp(n)), 0.0]


def sgm_uniform(n: int, model: ModelSigmas) -> list[float]:
    """Even in timesteps with the end left out, so that the last step is as long as the others.

    The "trailing" timesteps of Lin et al. 2023, table 2.
    """
    last = model.timestep(model.max)
    return [*(model.sigma(last * (1 - i / n)) for i in range(n)), 0.0]


def karras(n: int, model: ModelSigmas, rho: float = 7.0) -> list[float]:
    """Karras et al. 2022, eq. 5: even in `sigma^(1 / rho)`."""
    low, high = model.min ** (1 / rho), model.max ** (1 / rho)
    return [*((high + r * (low - high)) ** rho for r in _ramp(n)), 0.0]


def polyexponential(n: int, model: ModelSigmas, rho: float = 1.0) -> list[float]:
    """Log sigma falls as a power `rho` of the way to go; rho = 1 is even in log sigma."""
    low, high = math.log(model.min), math.log(model.max)
    return [*(math.exp(low + (1 - r) ** rho * (high - low)) for r in _ramp(n)), 0.0]


def kl_optimal(n: int, model: ModelSigmas) -> list[float]:
    """Sabour et al. 2024, "Align Your Steps": even in the arc tangent of sigma, the best schedule
    for normally distributed data. The last value becomes 0."""
    low, high = math.atan(model.min), math.atan(model.max)
    return [*(math.tan(high + i / n * (low - high)) for i in range(n)), 0.0]


def align_your_steps(n: int, model: ModelSigmas) -> list[float]:
    """The model's published ten steps (Sabour et al. 2024), in between linear in log sigma. The
    last value becomes 0."""
    table = np.log(model.aligned)
    places = np.linspace(0, len(table) - 1, n + 1)
    return [*np.exp(np.interp(places, np.arange(len(table)), table))[:-1].tolist(), 0.0]


def simple(n: int, model: ModelSigmas) -> list[float]:
    """Every (N / n)-th sigma of the model's table, from its end."""
    stride = len(model.table) / n
    return [*(model.table[-1 - int(i * stride)] for i in range(n)), 0.0]


def ddim(n: int, model: ModelSigmas) -> list[float]:
    """Every (N // n)-th sigma of the table, from timestep 1 upwards (the "leading" timesteps that
    DDIM and PLMS had in the first Stable Diffusion)."""
    stride = max(len(model.table) // n, 1)
    first = min(1, len(model.table) - 1 - (n - 1) * stride)
    return [*(model.table[first + i * stride] for i in reversed(range(n))), 0.0]


def beta(n: int, model: ModelSigmas, shape: float = 0.6) -> list[float]:
    """Sigmas at the quantiles of a Beta distribution, dense at both ends (Lee et al. 2024, "Beta
    Sampling is All You Need")."""
    from scipy.stats import beta as distribution

    quantiles = distribution.ppf(1 - np.linspace(0, 1, n), shape, shape)
    return [*(model.min + quantiles * (model.max - model.min)).tolist(), 0.0]


SCHEDULES = (
    Schedule(AUTOMATIC, normal, "The schedule the sampler was made for."),
    Schedule(
        "Normal", normal, "Even over the model's own timesteps.", aliases=("uniform", "linspace")
    ),
    Schedule("Karras", karras, "Small steps at the end, where fine detail is made."),
    Schedule("Exponential", polyexponential, "Each step removes the same share of the noise."),
    Schedule(
        "Polyexponential",
        partial(polyexponential, rho=1.0),
        "As Exponential; its name is kept so that pictures made with it read back.",
        aliases=("poly_exponential",),
    ),
    Schedule(
        "SGM Uniform",
        sgm_uniform,
        "Even steps with a long last one; made for Turbo, Lightning and LCM models.",
        aliases=("sgm_uniform", "SGMUniform"),
    ),
    Schedule("Simple", simple, "Picks sigmas from the model's table at even distances."),
    Schedule("DDIM", ddim, "The even steps of the first Stable Diffusion.", ("ddim_uniform",)),
    Schedule("Beta", beta, "Dense at the start and at the end, sparse between."),
    Schedule("KL Optimal", kl_optimal, "Even in the angle of sigma.", ("kl_optimal",)),
    Schedule(
        "Align Your Steps",
        align_your_steps,
        "The schedule measured to be best for ten steps; good from 8 to 20.",
        aliases=("align_your_steps", "ays"),
    ),
)
