"""Schedules: which sigmas a sampler visits."""

from __future__ import annotations

from itertools import pairwise

import diffusers
import pytest
from diffusers.schedulers import AysSchedules
from hypothesis import given
from hypothesis import strategies as st

from pipelines.samplers import (
    ALIGNED_SDXL,
    ModelSigmas,
    Schedule,
    sampler,
    schedule,
    schedules,
    steps_sigmas,
)

MODEL = ModelSigmas.scaled_linear()
ZERO_SNR = ModelSigmas.scaled_linear(zero_terminal_snr=True)
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}

every_schedule = pytest.mark.parametrize("each", schedules(), ids=lambda s: s.name)


@every_schedule
@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 150, 1000])
@pytest.mark.parametrize("model", [MODEL, ZERO_SNR], ids=["Stable Diffusion", "zero terminal SNR"])
def test_sigmas_fall_in_the_steps_asked_for_and_end_in_zero(
    each: Schedule, n: int, model: ModelSigmas
):
    sigmas = each.sigmas(n, model)

    assert len(sigmas) == n + 1
    assert all(high > low for high, low in pairwise(sigmas))
    assert sigmas[-1] == 0.0
    assert sigmas[0] <= max(model.max, 14.615) * (1 + 1e-9)
    assert all(type(sigma) is float for sigma in sigmas)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("Normal", {"timestep_spacing": "linspace"}),
        ("Karras", {"use_karras_sigmas": True}),
        ("Exponential", {"use_exponential_sigmas": True}),
        ("Beta", {"use_beta_sigmas": True}),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_schedules_equal_those_of_diffusers(name, settings):
    oracle = diffusers.EulerDiscreteScheduler(**BETAS | settings)
    oracle.set_timesteps(20)
    sigmas = schedule(name).sigmas(20, ModelSigmas(oracle.alphas_cumprod.tolist()))

    assert sigmas == pytest.approx(oracle.sigmas.tolist(), rel=2e-5)


def test_trailing_and_leading_timesteps_are_sgm_uniform_and_ddim():
    timesteps = [MODEL.timestep(s) for s in schedule("SGM Uniform").sigmas(4, MODEL)[:-1]]
    assert timesteps == pytest.approx([999, 749.25, 499.5, 249.75])

    timesteps = [MODEL.timestep(s) for s in schedule("DDIM").sigmas(20, MODEL)[:-1]]
    assert timesteps == pytest.approx(range(951, 0, -50))


def test_simple_takes_its_sigmas_from_the_table():
    timesteps = [MODEL.timestep(s) for s in schedule("Simple").sigmas(3, MODEL)[:-1]]
    assert timesteps == pytest.approx([999, 666, 333])


@pytest.mark.parametrize(
    ("model", "published"),
    [
        (MODEL, "StableDiffusionSigmas"),
        (ModelSigmas.scaled_linear(aligned=ALIGNED_SDXL), "StableDiffusionXLSigmas"),
    ],
)
def test_ten_aligned_steps_are_the_published_ones(model, published):
    assert schedule("Align Your Steps").sigmas(10, model) == pytest.approx(AysSchedules[published])


def test_automatic_is_what_the_sampler_was_made_for():
    automatic = schedule("Automatic")

    for name, meant in (("Euler", "Normal"), ("DPM++ 2M", "Karras"), ("DDIM", "DDIM")):
        expected = schedule(meant).sigmas(12, MODEL)
        assert steps_sigmas(sampler(name), automatic, 12, MODEL) == expected


def test_dpm2_leaves_out_the_penultimate_sigma():
    full = schedule("Karras").sigmas(11, MODEL)

    assert steps_sigmas(sampler("DPM2"), schedule("Karras"), 10, MODEL) == [*full[:10], 0.0]


@given(st.floats(0, 999))
def test_timestep_and_sigma_are_each_others_inverse(timestep):
    assert MODEL.timestep(MODEL.sigma(timestep)) == pytest.approx(timestep, abs=1e-6)


def test_beyond_the_table_a_timestep_is_its_end():
    assert MODEL.timestep(MODEL.max * 2) == 999
    assert MODEL.timestep(MODEL.min / 2) == 0


def test_the_table_is_that_of_the_checkpoint():
    oracle = diffusers.DDIMScheduler(**BETAS)
    table = ModelSigmas(oracle.alphas_cumprod.tolist()).table

    assert MODEL.table == pytest.approx(table, rel=2e-5)


def test_zero_terminal_snr_ends_in_pure_noise_and_starts_unchanged():
    oracle = diffusers.EulerDiscreteScheduler(**BETAS, rescale_betas_zero_snr=True)
    table = ModelSigmas(oracle.alphas_cumprod.tolist()).table

    assert ZERO_SNR.table == pytest.approx(table, rel=1e-3)
    assert ZERO_SNR.max == pytest.approx(4096, rel=1e-3)
    assert ZERO_SNR.min == pytest.approx(MODEL.min)
