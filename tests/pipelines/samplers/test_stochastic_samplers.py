"""Samplers that add noise: the pictures they make are spread as the model's pictures are."""

from __future__ import annotations

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch

from pipelines.samplers import ModelSigmas, brownian_noise, sampler, samplers, schedule
from pipelines.samplers.er_sde import noise_scale
from pipelines.samplers.restart import restart_walk
from tests.pipelines.samplers.analytic import SHAPE, drawn, gaussian

MODEL = ModelSigmas.scaled_linear()
MANY = (1, 20_000)


@pytest.mark.parametrize(
    "each", [s for s in samplers() if s.name not in ("LCM", "TCD")], ids=lambda s: s.name
)
def test_normally_distributed_pictures_come_out_with_their_mean_and_spread(each):
    mean, deviation = 0.7, 0.6
    sigmas = schedule("Karras").sigmas(100, MODEL)
    x = mean + torch.randn(MANY, generator=torch.Generator().manual_seed(0)) * sigmas[0]
    noise = brownian_noise(x, sigmas[-2], sigmas[0], 3) if each.brownian else None
    noise = noise or drawn(3, MANY, torch.float32)
    made = list(each.run(gaussian(mean, deviation), x, sigmas, noise))[-1].x

    assert float(made.mean()) == pytest.approx(mean, abs=0.02)
    assert float(made.std()) == pytest.approx(deviation, rel=0.05)


def test_er_sde_integrates_the_series_of_its_last_three_estimates():
    """The mean of its SDE is phi(t)/phi(s) x + phi(t) times the integral of phi'/phi^2 x0."""
    sigmas = [9.0, 5.0, 2.0, 0.8]
    first, second, third = (math.cos(sigma) for sigma in sigmas[:3])
    rise_before, rise = (second - first) / (5 - 9), (third - second) / (2 - 5)
    bend = (rise - rise_before) / ((2 - 9) / 2)

    x = torch.tensor([7.0], dtype=torch.float64)
    walked = sampler("ER SDE").run(
        lambda x, sigma: math.cos(sigma) + 0 * x, x, sigmas, lambda a, b: torch.zeros(1)
    )
    *_, before, after = walked

    levels = np.linspace(0.8, 2.0, 100_001)
    series = third + rise * (levels - 2) + bend * (levels - 2) ** 2 / 2
    inverse = 1 / noise_scale(levels)
    expected = (float(before.x) * inverse[-1] - np.trapezoid(series, inverse)) / inverse[0]
    assert float(after.x) == pytest.approx(expected, abs=1e-8)


def test_brownian_noise_is_standard_normal_and_adds_up():
    noise = brownian_noise(torch.zeros(MANY), 0.03, 14.6, seed=5)
    whole, first, second = noise(9.0, 1.0), noise(9.0, 4.0), noise(4.0, 1.0)

    assert float(whole.mean()) == pytest.approx(0, abs=0.02)
    assert float(whole.std()) == pytest.approx(1, abs=0.02)
    joined = (first * 5**0.5 + second * 3**0.5) / 8**0.5
    torch.testing.assert_close(joined, whole, atol=1e-4, rtol=0)
    assert abs(float((first * second).mean())) < 0.02


def test_brownian_noise_depends_on_its_seed_and_not_on_who_asked_before():
    x = torch.zeros(SHAPE)
    asked, fresh, other = (brownian_noise(x, 0.03, 14.6, seed) for seed in (5, 5, 6))
    asked(14.6, 8.0), asked(0.4, 0.03)

    assert asked(8.0, 2.0).equal(fresh(8.0, 2.0))
    assert not asked(8.0, 2.0).equal(other(8.0, 2.0))


def test_brownian_noise_is_the_noise_of_diffusers_for_the_same_seed():
    from diffusers.schedulers.scheduling_dpmsolver_sde import BrownianTreeNoiseSampler

    x = torch.zeros(SHAPE)
    ours = brownian_noise(x, 0.03125, 14.5, seed=7)
    theirs = BrownianTreeNoiseSampler(x, 0.03125, 14.5, seed=7)

    for stretch in ((14.5, 9.0), (9.0, 2.5), (14.5, 2.5), (0.5, 0.03125)):
        assert ours(*stretch).equal(theirs(*stretch))


def test_brownian_noise_keeps_shape_and_dtype_and_is_quiet_at_the_ends_of_its_range():
    x = torch.zeros(SHAPE, dtype=torch.bfloat16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        noise = brownian_noise(x, MODEL.min, MODEL.max, seed=1)
        ends = [noise(MODEL.max, 7.0), noise(7.0, MODEL.min), noise(MODEL.max, MODEL.min)]
        brownian_noise(x, MODEL.max, MODEL.max, seed=1)

    assert all(n.shape == SHAPE and n.dtype == torch.bfloat16 for n in ends)


@pytest.mark.parametrize(("n", "restarts"), [(10, 0), (20, 1), (35, 1), (36, 2), (60, 2)])
def test_restart_spends_its_steps_on_going_back_up_to_sigma_two(n, restarts):
    sigmas = schedule("Karras").sigmas(n, MODEL)
    walk = restart_walk(sigmas)
    rises = [(a, b) for a, b in pairwise(walk) if b > a]

    assert len(rises) == restarts
    assert len(walk) - len(rises) == n + 1
    assert (walk[0], walk[-1]) == (sigmas[0], 0.0)
    assert all(0.05 < low < 0.2 and 1.4 < high < 2.8 for low, high in rises)


def test_restart_never_goes_above_the_noise_it_was_given():
    sigmas = [s for s in schedule("Karras").sigmas(60, MODEL) if s < 1.0]

    assert len(sigmas) > 20
    assert max(restart_walk(sigmas)) == pytest.approx(sigmas[0])


def test_a_restart_adds_just_the_noise_that_is_missing():
    sigmas = schedule("Karras").sigmas(20, MODEL)
    ((low, high),) = [(a, b) for a, b in pairwise(restart_walk(sigmas)) if b > a]
    met: dict[float, torch.Tensor] = {}

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        met[sigma] = x
        return torch.zeros(SHAPE)

    ones = torch.ones(SHAPE)
    walked = sampler("Restart").run(denoise, ones, sigmas, lambda a, b: ones)
    arrived = next(step.x for step in walked if met and min(met) <= low * (1 + 1e-9))
    next(walked)

    torch.testing.assert_close(met[high] - arrived, ones * math.sqrt(high**2 - low**2))
