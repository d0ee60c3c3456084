"""The story of a picture: encode, draw noise, denoise step by step, decode."""

from __future__ import annotations

from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor

from pipelines.engine.decode import decode
from pipelines.engine.denoise import Denoiser
from pipelines.engine.latents import PictureNoise, first_latents
from pipelines.engine.preview import PreviewMap
from pipelines.engine.text import encode_pair
from pipelines.errors import Cancelled
from pipelines.events import Decoding, Encoding, Event, Step
from pipelines.models.loader import LoadedCheckpoint
from pipelines.recipe import Recipe
from pipelines.samplers import ModelSigmas, sampler, schedule, steps_sigmas

OnEvent = Callable[[Event], None]
Stop = Callable[[], bool]


def render(
    recipe: Recipe,
    models: LoadedCheckpoint,
    on_event: OnEvent,
    stop: Stop,
    preview: PreviewMap | None = None,
) -> Image.Image:
    """Render one recipe with the models it names. Raises Cancelled within one evaluation."""
    with torch.inference_mode():
        latents = text_to_latents(recipe, models, on_event, stop, preview)
        if stop():
            raise Cancelled
        on_event(Decoding())
        return decode(latents, models)


def text_to_latents(
    recipe: Recipe,
    models: LoadedCheckpoint,
    on_event: OnEvent,
    stop: Stop,
    preview: PreviewMap | None = None,
) -> Tensor:
    """The finished latents [1, 4, h, w] of a text-to-image recipe, in float32."""
    on_event(Encoding())
    denoise = make_denoiser(recipe, models, stop)
    chosen = sampler(recipe.sampler)
    sigmas = steps_sigmas(chosen, schedule(recipe.schedule), recipe.steps, denoise.sigmas)
    noise = PictureNoise(recipe.seed, recipe.size, models.device)
    x = first_latents(noise, chosen, sigmas[0])
    steps = chosen.run(denoise, x, sigmas, noise.for_sampler(chosen, x, sigmas))
    for i, step in enumerate(steps, start=1):
        glimpse = preview.jpeg(step.denoised) if preview else None
        on_event(Step(i=i, n=recipe.steps, preview=glimpse))
        x = step.x
    return x


def make_denoiser(recipe: Recipe, models: LoadedCheckpoint, stop: Stop) -> Denoiser:
    """Gather what shapes the picture at every step."""
    positive, negative = encode_pair(
        recipe.prompt, recipe.negative_prompt, recipe.clip_skip, models
    )
    return Denoiser(
        models=models,
        sigmas=ModelSigmas(models.alphas_cumprod.tolist(), aligned=models.family.aligned),
        positive=positive,
        negative=negative,
        guidance_scale=recipe.guidance_scale,
        prediction_type=recipe.prediction_type,
        size=recipe.size_conditioning,
        stop=stop,
    )
