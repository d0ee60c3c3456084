"""What holds for every sampler with every schedule. A new file in the folder is tested here."""

from __future__ import annotations

import pytest
import torch

from pipelines.samplers import ModelSigmas, Sampler, Schedule, samplers, schedules, steps_sigmas
from tests.pipelines.samplers.analytic import SHAPE, drawn, mixture, start, walk

MODEL = ModelSigmas.scaled_linear()
COUNTS = (1, 2, 5, 20)

every_sampler = pytest.mark.parametrize("sampler", samplers(), ids=lambda s: s.name)
every_schedule = pytest.mark.parametrize("schedule", schedules(), ids=lambda s: s.name)


@every_sampler
@every_schedule
def test_a_walk_has_the_steps_asked_for_and_ends_in_a_picture(sampler: Sampler, schedule: Schedule):
    for n in COUNTS:
        steps = walk(sampler, steps_sigmas(sampler, schedule, n, MODEL))

        assert len(steps) == n
        assert all(torch.isfinite(step.x).all() for step in steps)
        assert all(step.x.shape == step.denoised.shape == SHAPE for step in steps)
    assert steps[-1].x.abs().max() < 5


@every_sampler
@pytest.mark.parametrize("n", COUNTS)
def test_a_model_that_knows_only_one_picture_makes_that_picture(sampler: Sampler, n: int):
    picture = start(1.0, seed=9)
    sigmas = steps_sigmas(sampler, schedules()[0], n, MODEL)
    walked = sampler.run(lambda x, sigma: picture, start(sigmas[0]), sigmas, drawn(1))

    torch.testing.assert_close(list(walked)[-1].x, picture, atol=1e-9, rtol=0)


@every_sampler
def test_the_same_start_and_noise_give_the_same_steps_whatever_ran_before(sampler: Sampler):
    sigmas = steps_sigmas(sampler, schedules()[0], 8, MODEL)
    first = walk(sampler, sigmas)
    half_finished = sampler.run(mixture, start(sigmas[0], 5), sigmas, drawn(5))
    next(half_finished), next(half_finished)
    walk(sampler, sigmas, seed=6)
    again = walk(sampler, sigmas)

    assert all(a.x.equal(b.x) for a, b in zip(first, again, strict=True))


@every_sampler
def test_each_picture_of_a_batch_is_the_picture_made_alone(sampler: Sampler):
    sigmas = steps_sigmas(sampler, schedules()[0], 24, MODEL)
    starts = [start(sigmas[0], seed) for seed in (1, 2)]
    noises = [drawn(seed) for seed in (11, 12)]
    alone = [
        list(sampler.run(mixture, x, sigmas, drawn(seed)))[-1].x
        for x, seed in zip(starts, (11, 12), strict=True)
    ]

    def noise(sigma: float, sigma_next: float) -> torch.Tensor:
        return torch.cat([one(sigma, sigma_next) for one in noises])

    together = list(sampler.run(mixture, torch.cat(starts), sigmas, noise))[-1].x

    assert together.equal(torch.cat(alone))


@every_sampler
def test_the_denoiser_is_never_asked_at_sigma_zero_and_the_latents_given_are_left_alone(
    sampler: Sampler,
):
    sigmas = steps_sigmas(sampler, schedules()[0], 24, MODEL)
    asked: list[float] = []

    def denoise(x, sigma):
        asked.append(sigma)
        return mixture(x, sigma)

    x = start(sigmas[0])
    before = x.clone()
    list(sampler.run(denoise, x, sigmas, drawn(1)))

    assert min(asked) > 0
    assert x.equal(before)
    assert len(asked) <= 24 * sampler.evaluations + 1


@every_sampler
def test_noise_is_drawn_only_by_samplers_that_say_so(sampler: Sampler):
    sigmas = steps_sigmas(sampler, schedules()[0], 24, MODEL)
    draws: list[tuple[float, float]] = []

    def noise(sigma: float, sigma_next: float):
        draws.append((sigma, sigma_next))
        return torch.zeros(SHAPE)

    list(sampler.run(mixture, start(sigmas[0]), sigmas, noise))

    assert bool(draws) == sampler.stochastic


@every_sampler
def test_a_walk_may_begin_late_and_stop_early(sampler: Sampler):
    sigmas = steps_sigmas(sampler, schedules()[0], 20, MODEL)[8:15]
    steps = walk(sampler, sigmas)

    assert len(steps) == 6
    assert [step.sigma for step in steps] == sigmas[:-1]
    assert steps[-1].x.std() > sigmas[-1]


@every_sampler
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_latents_keep_their_dtype(sampler: Sampler, dtype: torch.dtype):
    sigmas = steps_sigmas(sampler, schedules()[0], 24, MODEL)
    steps = sampler.run(mixture, start(sigmas[0], dtype=dtype), sigmas, drawn(1, dtype=dtype))

    assert {step.x.dtype for step in steps} == {dtype}


@every_sampler
def test_a_sampler_tells_the_artist_what_it_is(sampler: Sampler):
    assert sampler.summary.endswith(".")
    assert len(sampler.summary) < 100
