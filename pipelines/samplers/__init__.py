"""Samplers and schedules, by name.

    chosen = sampler("DPM++ 2M")
    sigmas = steps_sigmas(chosen, schedule("Automatic"), 20, ModelSigmas.scaled_linear())
    for step in chosen.run(denoise, x, sigmas, noise):
        ...                                             # step.x, step.denoised, step.sigma

A sampler is a function in sigma space, a schedule a function that gives sigmas, and any one runs
with any other. To add one, put a file that declares a `Sampler` or a `Schedule` into this folder.
"""

from __future__ import annotations

import functools
import sys

from pipelines.errors import UnknownChoice
from pipelines.samplers.base import (
    ALIGNED_SD1,
    ALIGNED_SDXL,
    Denoise,
    ModelSigmas,
    Noise,
    Sampler,
    Schedule,
    Step,
)
from pipelines.samplers.brownian import brownian_noise
from pipelines.samplers.discovery import discover, key
from pipelines.samplers.schedules import AUTOMATIC

__all__ = [
    "ALIGNED_SD1",
    "ALIGNED_SDXL",
    "AUTOMATIC",
    "Denoise",
    "ModelSigmas",
    "Noise",
    "Sampler",
    "Schedule",
    "Step",
    "brownian_noise",
    "sampler",
    "samplers",
    "schedule",
    "schedules",
    "split_joined",
    "steps_sigmas",
]

# How other programs end a sampler's name to mean a schedule.
_SUFFIXES = {"_ka": "Karras", "_k": "Karras", "_exp": "Exponential"}


@functools.cache
def _samplers() -> dict[str, Sampler]:
    return discover(sys.modules[__name__], Sampler)


@functools.cache
def _schedules() -> dict[str, Schedule]:
    return discover(sys.modules[__name__], Schedule)


def samplers() -> list[Sampler]:
    """Every sampler, sorted by name."""
    return sorted(set(_samplers().values()), key=lambda s: key(s.name))


def schedules() -> list[Schedule]:
    """Every schedule: "Automatic", then the others sorted by name."""
    return sorted(set(_schedules().values()), key=lambda s: (s.name != AUTOMATIC, key(s.name)))


def sampler(name: str) -> Sampler:
    """The sampler of that name or alias, in any case. Raises UnknownChoice."""
    try:
        return _samplers()[key(name)]
    except KeyError:
        raise UnknownChoice("sampler", name, [s.name for s in samplers()]) from None


def schedule(name: str) -> Schedule:
    """The schedule of that name or alias, in any case. Raises UnknownChoice."""
    try:
        return _schedules()[key(name)]
    except KeyError:
        raise UnknownChoice("schedule", name, [s.name for s in schedules()]) from None


def split_joined(name: str) -> tuple[Sampler, Schedule | None]:
    """Reads a name that may carry its schedule, as older programs wrote: "DPM++ 2M Karras".

    The schedule is None where the name is a sampler's alone. Raises UnknownChoice.
    """
    whole = key(name)
    if whole in _samplers():
        return _samplers()[whole], None
    endings = {f"{joint}{ending}": ending for ending in _schedules() for joint in (" ", "_")}
    for suffix, ending in (endings | _SUFFIXES).items():
        stem = whole.removesuffix(suffix)
        if stem != whole and stem in _samplers():
            return _samplers()[stem], schedule(ending)
    return sampler(name), None


def steps_sigmas(
    sampler: Sampler, schedule: Schedule, n: int, model_sigmas: ModelSigmas
) -> list[float]:
    """The n + 1 sigmas, n >= 1, that `sampler` walks down: `schedule`, or for "Automatic" the
    sampler's own, with the penultimate sigma left out where the sampler wants that."""
    if schedule.name == AUTOMATIC:
        schedule = _schedules()[key(sampler.schedule)]
    if not sampler.drops_penultimate:
        return schedule.sigmas(n, model_sigmas)
    *sigmas, _, zero = schedule.sigmas(n + 1, model_sigmas)
    return [*sigmas, zero]
