"""Where diffusers has the same method, the same noise gives the same latents.

diffusers rounds some timesteps to integers, so its model is asked at the sigma its scheduler
stands at rather than at the timestep it names; what remains is the method itself, in float32.
"""

from __future__ import annotations

from collections.abc import Callable

import diffusers
import pytest
import torch
from torch import Tensor

from pipelines.samplers import ModelSigmas, sampler, schedule
from pipelines.samplers.dpmpp_sde import dpmpp_3m_sde
from tests.pipelines.samplers.analytic import drawn, mixture, no_noise, start

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
STEPS = 20
BOUND = 5e-5
"""What float32 leaves of latents of size one, after twenty steps."""


def ours(name: str, sigmas: list[float], noise=None, model=mixture) -> Tensor:
    x = start(sigmas[0], dtype=torch.float32)
    noise = noise or drawn(7, dtype=torch.float32)
    return list(sampler(name).run(model, x, sigmas, noise))[-1].x


def current_sigma(scheduler) -> float:
    """The sigma it stands at; schedulers of second order keep the inner one elsewhere."""
    if getattr(scheduler, "state_in_first_order", True):
        return float(scheduler.sigmas[scheduler.step_index])
    if hasattr(scheduler, "mid_point_sigma"):
        return float(scheduler.mid_point_sigma)
    inner = getattr(scheduler, "sigmas_interpol", scheduler.sigmas)
    behind = "Ancestral" in type(scheduler).__name__
    return float(inner[scheduler.step_index - behind])


def theirs_exploding(scheduler, sigmas: list[float]) -> Tensor:
    """Schedulers whose sample is `x0 + sigma * noise`, as ours."""
    x, generator = start(sigmas[0], dtype=torch.float32), torch.Generator().manual_seed(7)
    draws = "generator" in scheduler.step.__code__.co_varnames
    for t in scheduler.timesteps:
        scheduler.scale_model_input(x, t)
        sigma = current_sigma(scheduler)
        noise = (x - mixture(x, sigma)) / sigma
        x = scheduler.step(noise, t, x, **({"generator": generator} if draws else {})).prev_sample
    return x


def theirs_preserving(scheduler, sigma_of: Callable[[int], float], steps=None) -> Tensor:
    """Schedulers whose sample is `(x0 + sigma * noise) / sqrt(1 + sigma^2)`."""
    first = sigma_of(0)
    x = start(first, dtype=torch.float32) / (1 + first**2) ** 0.5
    generator = torch.Generator().manual_seed(7)
    draws = "generator" in scheduler.step.__code__.co_varnames
    for i, t in enumerate(scheduler.timesteps[:steps]):
        sigma = sigma_of(i)
        wide = x * (1 + sigma**2) ** 0.5
        noise = (wide - mixture(wide, sigma)) / sigma
        x = scheduler.step(noise, t, x, **({"generator": generator} if draws else {})).prev_sample
    return x


def apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())


# diffusers speaks an older numpy.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

GRIDS = {
    "Normal": {},
    "Karras": {"use_karras_sigmas": True},
    "Exponential": {"use_exponential_sigmas": True},
}


@pytest.mark.parametrize(
    ("name", "scheduler", "grid"),
    [
        ("Euler", "EulerDiscreteScheduler", "Normal"),
        ("Euler", "EulerDiscreteScheduler", "Karras"),
        ("Euler", "EulerDiscreteScheduler", "Exponential"),
        ("Euler a", "EulerAncestralDiscreteScheduler", "Normal"),
        ("Heun", "HeunDiscreteScheduler", "Normal"),
        ("Heun", "HeunDiscreteScheduler", "Karras"),
        ("LMS", "LMSDiscreteScheduler", "Normal"),
        ("LMS", "LMSDiscreteScheduler", "Karras"),
        ("DPM2", "KDPM2DiscreteScheduler", "Normal"),
        ("DPM2", "KDPM2DiscreteScheduler", "Karras"),
        ("DPM2 a", "KDPM2AncestralDiscreteScheduler", "Normal"),
        ("DPM2 a", "KDPM2AncestralDiscreteScheduler", "Karras"),
    ],
)
def test_sigma_space_samplers_end_where_diffusers_ends(name, scheduler, grid):
    settings = {"timestep_spacing": "linspace"} | BETAS | GRIDS[grid]
    oracle = getattr(diffusers, scheduler)(**settings)
    oracle.set_timesteps(STEPS)
    sigmas = schedule(grid).sigmas(STEPS, ModelSigmas(oracle.alphas_cumprod.tolist()))

    assert apart(ours(name, sigmas), theirs_exploding(oracle, sigmas)) < BOUND


@pytest.mark.parametrize("grid", ["Normal", "Karras"])
@pytest.mark.parametrize(
    ("name", "scheduler", "settings"),
    [
        ("DPM++ 2M", "DPMSolverMultistepScheduler", {}),
        (
            "DPM++ 2M SDE",
            "DPMSolverMultistepScheduler",
            {"algorithm_type": "sde-dpmsolver++"},
        ),
        (
            "DPM++ 2M SDE Heun",
            "DPMSolverMultistepScheduler",
            {"algorithm_type": "sde-dpmsolver++", "solver_type": "heun"},
        ),
        ("UniPC bh2", "UniPCMultistepScheduler", {"solver_order": 3}),
        (
            "DEIS",
            "DEISMultistepScheduler",
            {"solver_order": 3},
        ),
    ],
)
def test_multistep_samplers_end_where_diffusers_ends(name, scheduler, settings, grid):
    settings = {"timestep_spacing": "linspace"} | BETAS | GRIDS[grid] | settings
    oracle = getattr(diffusers, scheduler)(**settings)
    oracle.set_timesteps(STEPS)
    sigmas = oracle.sigmas.double().tolist()

    final = (1 + sigmas[-1] ** 2) ** 0.5
    expected = theirs_preserving(oracle, sigmas.__getitem__) * final
    assert apart(ours(name, sigmas), expected) < BOUND


@pytest.mark.parametrize("grid", ["Normal", "Karras"])
def test_dpmpp_3m_sde_without_noise_is_the_third_order_solver_of_diffusers(grid):
    settings = {"timestep_spacing": "linspace", "solver_order": 3} | BETAS | GRIDS[grid]
    oracle = diffusers.DPMSolverMultistepScheduler(**settings)
    oracle.set_timesteps(STEPS)
    sigmas = oracle.sigmas.double().tolist()
    x = start(sigmas[0], dtype=torch.float32)
    got = list(dpmpp_3m_sde(mixture, x, sigmas, no_noise, eta=0.0))[-1].x

    assert apart(got, theirs_preserving(oracle, sigmas.__getitem__)) < BOUND


def test_unipc_in_its_first_variant_ends_where_diffusers_ends():
    """Short of sigma 0, where diffusers has no number for it."""
    settings = {"solver_order": 3, "solver_type": "bh1", "final_sigmas_type": "sigma_min"}
    oracle = diffusers.UniPCMultistepScheduler(**BETAS | settings)
    oracle.set_timesteps(STEPS)
    sigmas = oracle.sigmas.double().tolist()
    expected = theirs_preserving(oracle, sigmas.__getitem__) * (1 + sigmas[-1] ** 2) ** 0.5

    assert apart(ours("UniPC", sigmas), expected) < BOUND


@pytest.mark.parametrize("grid", ["Normal", "Karras"])
def test_dpmpp_sde_ends_where_diffusers_ends(grid):
    settings = {"timestep_spacing": "linspace"} | BETAS | GRIDS[grid]
    oracle = diffusers.DPMSolverSDEScheduler(**settings)
    oracle.set_timesteps(STEPS)
    oracle.noise_sampler = drawn(7, dtype=torch.float32)
    sigmas = schedule(grid).sigmas(STEPS, ModelSigmas(oracle.alphas_cumprod.tolist()))

    assert apart(ours("DPM++ SDE", sigmas), theirs_exploding(oracle, sigmas)) < BOUND


def table_sigma(scheduler, t) -> float:
    alpha = float(scheduler.alphas_cumprod[int(t)].double())
    return ((1 - alpha) / alpha) ** 0.5


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_ddim_and_ddpm_walk_the_grid_of_the_first_stable_diffusion(eta):
    oracle = diffusers.DDIMScheduler(
        **BETAS, clip_sample=False, set_alpha_to_one=True, steps_offset=1
    )
    oracle.set_timesteps(STEPS)
    model = ModelSigmas(oracle.alphas_cumprod.tolist())
    step = oracle.step
    oracle.step = lambda noise, t, x, generator=None: step(
        noise, t, x, eta=eta, generator=generator
    )
    expected = theirs_preserving(oracle, lambda i: table_sigma(oracle, oracle.timesteps[i]))

    got = ours("DDPM" if eta else "DDIM", schedule("DDIM").sigmas(STEPS, model))
    assert apart(got, expected) < BOUND


def test_plms_equals_the_pseudo_linear_multistep_of_diffusers():
    oracle = diffusers.PNDMScheduler(
        **BETAS, skip_prk_steps=True, set_alpha_to_one=True, steps_offset=1
    )
    oracle.set_timesteps(STEPS)
    model = ModelSigmas(oracle.alphas_cumprod.tolist())
    expected = theirs_preserving(oracle, lambda i: table_sigma(oracle, oracle.timesteps[i]))

    assert apart(ours("PLMS", schedule("DDIM").sigmas(STEPS, model)), expected) < BOUND


def test_lcm_equals_diffusers_but_for_the_boundary_factors():
    oracle = diffusers.LCMScheduler(**BETAS)
    oracle.set_timesteps(4)
    sigmas = [table_sigma(oracle, t) for t in oracle.timesteps] + [0.0]

    assert apart(ours("LCM", sigmas), theirs_preserving(oracle, sigmas.__getitem__)) < BOUND


def test_tcd_equals_diffusers_on_timesteps_it_need_not_round():
    oracle = diffusers.TCDScheduler(**BETAS)
    oracle.set_timesteps(timesteps=[990, 740, 490, 240, 100])
    sigmas = [table_sigma(oracle, t) for t in oracle.timesteps]
    end = (1 + sigmas[-1] ** 2) ** 0.5
    expected = theirs_preserving(oracle, sigmas.__getitem__, steps=4) * end

    assert apart(ours("TCD", sigmas), expected) < BOUND
