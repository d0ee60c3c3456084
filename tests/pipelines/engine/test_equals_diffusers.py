"""Our loop against diffusers' own pipelines, on tiny models of every family, in float32.

The oracle gets the same noise, sampler grid and prompts; its latents must be ours.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler

from pipelines.engine.decode import decode
from pipelines.engine.latents import PictureNoise
from pipelines.engine.render import text_to_latents
from pipelines.geometry import Size
from pipelines.recipe import ModelRef, Recipe, SizeConditioning
from tests import tiny

FAMILIES = ("sd1", "sd2", "sd2-v", "sdxl")
SIZE = Size(width=96, height=64)

ORACLES: dict[str, tuple[Any, dict[str, Any]]] = {
    "Euler": (EulerDiscreteScheduler, {"timestep_spacing": "linspace"}),
    # Ends in a clean picture, as all our samplers do; Stable Diffusion's own config stops at the
    # first timestep's sigma of 0.03.
    "DDIM": (DDIMScheduler, {"clip_sample": False, "set_alpha_to_one": True, "steps_offset": 1}),
}
"""Schedulers of diffusers that are the sampler of that name, with our "Normal" or "DDIM"."""


def recipe(family: str, **changes: Any) -> Recipe:
    """A recipe for a tiny model; only the fields a test talks about need be given."""
    fields: dict[str, Any] = {
        "prompt": "a red house, a meadow",
        "negative_prompt": "blurry, grey",
        "seed": 3,
        "steps": 5,
        "guidance_scale": 5.0,
        "sampler": "Euler",
        "schedule": "Normal",
        "size": SIZE,
        "checkpoint": ModelRef(name=family),
        "prediction_type": "v_prediction" if family == "sd2-v" else "epsilon",
    }
    if family == "sdxl":
        fields["size_conditioning"] = SizeConditioning(original=SIZE, target=SIZE)
    return Recipe(**{**fields, **changes})


def ours(recipe: Recipe, family: str) -> torch.Tensor:
    with torch.inference_mode():
        return text_to_latents(recipe, tiny.loaded(family))


def theirs(recipe: Recipe, family: str, **changes: Any) -> torch.Tensor:
    """The oracle's latents for the same noise."""
    noise = PictureNoise(recipe.seed, recipe.size, torch.device("cpu")).draw()
    arguments: dict[str, Any] = {
        "prompt": recipe.prompt,
        "negative_prompt": recipe.negative_prompt,
        "num_inference_steps": recipe.steps,
        "guidance_scale": recipe.guidance_scale,
        "width": recipe.size.width,
        "height": recipe.size.height,
        "latents": noise,
        "output_type": "latent",
    }
    pipeline = tiny.pipeline(family)
    kind, options = ORACLES[recipe.sampler]
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    pipeline.scheduler = kind(**betas, **options, prediction_type=recipe.prediction_type)
    return pipeline(**{**arguments, **changes}).images


def assert_close(mine: torch.Tensor, oracle: torch.Tensor) -> None:
    torch.testing.assert_close(mine, oracle, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_latents_are_those_of_the_reference_pipeline(family: str) -> None:
    asked = recipe(family)
    assert_close(ours(asked, family), theirs(asked, family))


@pytest.mark.parametrize("family", FAMILIES)
def test_ddim_is_the_grid_stable_diffusion_was_published_with(family: str) -> None:
    asked = recipe(family, sampler="DDIM", schedule="DDIM")
    assert_close(ours(asked, family), theirs(asked, family))


@pytest.mark.parametrize("family", FAMILIES)
def test_without_guidance_the_negative_prompt_does_not_matter(family: str) -> None:
    asked = recipe(family, guidance_scale=1.0)
    assert_close(ours(asked, family), theirs(asked, family))
    other = recipe(family, guidance_scale=1.0, negative_prompt="anything")
    assert torch.equal(ours(asked, family), ours(other, family))


def test_guidance_of_zero_ignores_the_prompt() -> None:
    one, other = (recipe("sd1", guidance_scale=0.0, prompt=prompt) for prompt in ("a cat", "a dog"))
    assert torch.equal(ours(one, "sd1"), ours(other, "sd1"))


def test_sdxl_is_told_size_and_crop() -> None:
    told = SizeConditioning(
        original=Size(width=512, height=256), crop_left=32, crop_top=16, target=SIZE
    )
    asked = recipe("sdxl", size_conditioning=told)
    oracle = theirs(
        asked,
        "sdxl",
        original_size=(256, 512),
        crops_coords_top_left=(16, 32),
        target_size=(64, 96),
    )
    assert_close(ours(asked, "sdxl"), oracle)
    assert not torch.allclose(ours(asked, "sdxl"), ours(recipe("sdxl"), "sdxl"))


def test_an_empty_negative_prompt_is_zeros_for_sdxl() -> None:
    asked = recipe("sdxl", negative_prompt="")
    assert_close(ours(asked, "sdxl"), theirs(asked, "sdxl", negative_prompt=None))


def test_clip_skip_takes_earlier_states() -> None:
    # The reference pipeline skips in the prompt only, so it is held to a picture without guidance.
    asked = recipe("sdxl", clip_skip=3, guidance_scale=1.0)
    assert_close(ours(asked, "sdxl"), theirs(asked, "sdxl", clip_skip=1))
    for family in FAMILIES:
        skipped = ours(recipe(family, clip_skip=3), family)
        assert not torch.allclose(skipped, ours(recipe(family), family))


def test_clip_skip_2_is_what_sdxl_was_trained_with() -> None:
    assert torch.equal(ours(recipe("sdxl", clip_skip=2), "sdxl"), ours(recipe("sdxl"), "sdxl"))
    skipped = ours(recipe("sd1", clip_skip=2), "sd1")
    assert not torch.allclose(skipped, ours(recipe("sd1"), "sd1"))


@pytest.mark.parametrize("family", FAMILIES)
def test_pixels_are_those_of_the_reference_pipeline(family: str) -> None:
    asked = recipe(family)
    with torch.inference_mode():
        image = decode(ours(asked, family), tiny.loaded(family))
    oracle = theirs(asked, family, output_type="pil")[0]
    assert image.size == (96, 64)
    difference = [abs(a - b) for a, b in zip(image.tobytes(), oracle.tobytes(), strict=True)]
    assert max(difference) <= 1
