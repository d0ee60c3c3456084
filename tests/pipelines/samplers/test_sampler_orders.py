"""How fast solvers close in on the true solution, and what becomes of them without noise."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from pipelines.samplers import sampler
from pipelines.samplers.dpm2 import dpm2_ancestral
from pipelines.samplers.dpmpp import dpmpp_2s_ancestral, dpmpp_sde
from pipelines.samplers.dpmpp_sde import dpmpp_2m_sde, dpmpp_3m_sde
from pipelines.samplers.euler import euler_ancestral
from pipelines.samplers.heun import heun
from tests.pipelines.samplers.analytic import mixture, no_noise, start

HIGH, LOW = 10.0, 0.1


def grid(n: int) -> list[float]:
    return [HIGH * (LOW / HIGH) ** (i / n) for i in range(n + 1)]


def end(run, n: int) -> torch.Tensor:
    return list(run(mixture, start(HIGH), grid(n), no_noise))[-1].x


@pytest.fixture(scope="module")
def solution() -> torch.Tensor:
    """The probability flow itself, to eight digits."""
    return end(heun, 4000)


@pytest.mark.parametrize(
    ("run", "order"),
    [
        pytest.param(sampler("Euler").run, 1, id="Euler"),
        pytest.param(sampler("Heun").run, 2, id="Heun"),
        pytest.param(sampler("DPM2").run, 2, id="DPM2"),
        pytest.param(sampler("DPM++ 2M").run, 2, id="DPM++ 2M"),
        pytest.param(partial(dpmpp_2s_ancestral, eta=0.0), 2, id="DPM++ 2S a without noise"),
        pytest.param(partial(dpmpp_sde, eta=0.0), 2, id="DPM++ SDE without noise"),
        pytest.param(partial(dpmpp_2m_sde, eta=0.0, heun=True), 2, id="2M SDE Heun without noise"),
        pytest.param(partial(dpmpp_3m_sde, eta=0.0), 2, id="DPM++ 3M SDE without noise"),
        pytest.param(sampler("LMS").run, 3, id="LMS"),
        pytest.param(sampler("DEIS").run, 2.5, id="DEIS"),
        pytest.param(sampler("PLMS").run, 2, id="PLMS"),
        pytest.param(sampler("IPNDM").run, 2, id="IPNDM"),
        pytest.param(sampler("UniPC").run, 2, id="UniPC"),
        pytest.param(sampler("UniPC bh2").run, 2, id="UniPC bh2"),
    ],
)
def test_twice_the_steps_leave_a_half_a_quarter_or_an_eighth_of_the_error(run, order, solution):
    coarse, fine = (float((end(run, n) - solution).abs().max()) for n in (40, 80))

    assert math.log2(coarse / fine) > order - 0.1
    assert coarse < 0.1


@pytest.mark.parametrize(
    ("stochastic", "plain"),
    [
        (euler_ancestral, "Euler"),
        (dpm2_ancestral, "DPM2"),
        (dpmpp_2m_sde, "DPM++ 2M"),
    ],
)
def test_an_sde_sampler_without_noise_is_the_solver_it_grew_from(stochastic, plain):
    torch.testing.assert_close(
        end(partial(stochastic, eta=0.0), 20), end(sampler(plain).run, 20), atol=1e-12, rtol=0
    )


def test_three_steps_of_unipc_are_those_of_the_paper_in_its_own_scaling():
    """UniPC-3 with B(h) = h on x = alpha (x0 + sigma noise), written out (Zhao et al. 2023)."""
    sigmas = [8.0, 3.0, 1.0, 0.25]
    alphas = [1 / math.sqrt(1 + s**2) for s in sigmas]
    noises = [a * s for a, s in zip(alphas, sigmas, strict=True)]
    lambdas = [-math.log(s) for s in sigmas]

    def model(x, i):
        return mixture(x / alphas[i], sigmas[i])

    def ddim(x, d, i):
        h = lambdas[i + 1] - lambdas[i]
        return noises[i + 1] / noises[i] * x - alphas[i + 1] * math.expm1(-h) * d

    x0 = start(sigmas[0]) * alphas[0]
    d0 = model(x0, 0)
    h0, h1 = lambdas[1] - lambdas[0], lambdas[2] - lambdas[1]
    d1 = model(ddim(x0, d0, 0), 1)
    x1 = ddim(x0, d0, 0) + alphas[1] * h0 * (d1 - d0) / 2

    r = -h0 / h1
    d2 = model(ddim(x1, d1, 1) + alphas[2] * h1 * (d0 - d1) / r / 2, 2)
    phi2 = math.expm1(-h1) / -h1 - 1
    phi3 = phi2 / -h1 - 1 / 2
    b0, b1 = phi2 / -h1, 2 * phi3 / -h1
    at_r = (b1 - b0) / (r - 1)
    x2 = ddim(x1, d1, 1) + alphas[2] * h1 * (at_r * (d0 - d1) / r + (b0 - at_r) * (d2 - d1))
    x3 = ddim(x2, d2, 2)

    got = list(sampler("UniPC").run(mixture, start(sigmas[0]), sigmas, no_noise))
    torch.testing.assert_close(got[-1].x * alphas[3], x3, atol=1e-12, rtol=0)
