"""The story of a picture: encode, draw noise, denoise step by step, decode.

Each part of it is done once for what decides it (`pipelines.engine.stages`), and by lesser means
if it fails (`pipelines.engine.heal`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor

from pipelines.engine.decode import decode
from pipelines.engine.denoise import Denoiser
from pipelines.engine.heal import Climb, Ladder, Made
from pipelines.engine.latents import PictureNoise, first_latents
from pipelines.engine.means import Means
from pipelines.engine.preview import PreviewMap
from pipelines.engine.stages import Keys, Stages
from pipelines.engine.text import Conditioning, encode_pair
from pipelines.errors import Cancelled, InvalidNumbers
from pipelines.events import Decoding, Encoding, Event, Notice, Step
from pipelines.models.embeddings import named
from pipelines.models.hypernetworks import attached
from pipelines.models.loader import LoadedCheckpoint
from pipelines.models.model_set import ModelSet
from pipelines.recipe import Recipe
from pipelines.samplers import ModelSigmas, sampler, schedule, steps_sigmas

OnEvent = Callable[[Event], None]
Stop = Callable[[], bool]
Pair = tuple[Conditioning, Conditioning]
"""Of the prompt and of the negative prompt."""


@dataclass(frozen=True)
class Painted:
    """A picture, and the facts of what was done otherwise to get it."""

    image: Image.Image
    healed: tuple[str, ...]


def render(
    recipe: Recipe,
    wanted: ModelSet,
    ladder: Ladder,
    stages: Stages,
    on_event: OnEvent,
    stop: Stop,
    preview: Callable[[LoadedCheckpoint], PreviewMap | None] = lambda _: None,
) -> Painted:
    """Render one recipe with the files it wants, which the ladder's manager makes ready.

    What `stages` remember is not computed again; a remembered picture loads nothing. `preview`
    gives the map to show the steps with. Raises StudioError, or Cancelled within one evaluation.
    """
    climb = ladder.climb(recipe, wanted, on_event, stop)
    keys = Keys.of(recipe, wanted)
    if stop():
        raise Cancelled
    with torch.inference_mode():
        painted = _Rendering(recipe, keys, climb, stages, on_event, stop, preview).painted()
    for measure in painted.measures:
        on_event(Notice(message=measure.sentence))
    return Painted(painted.value.copy(), tuple(each.fact for each in painted.measures))


@dataclass(frozen=True)
class _Rendering:
    """One picture on its way through the stages."""

    recipe: Recipe
    keys: Keys
    climb: Climb
    stages: Stages
    on_event: OnEvent
    stop: Stop
    preview: Callable[[LoadedCheckpoint], PreviewMap | None]

    def painted(self) -> Made[Image.Image]:
        if self.keys.pixels in self.stages:
            self._pass_over_steps()
            self.on_event(Decoding())
        return self.stages.once(self.keys.pixels, self._paint, _image_bytes)

    def _paint(self) -> Made[Image.Image]:
        if self.keys.latents in self.stages:
            self._pass_over_steps()
        latents = self.stages.once(self.keys.latents, self._denoise, _latents_bytes)

        def work(models: LoadedCheckpoint, means: Means) -> Image.Image:
            if self.stop():
                raise Cancelled
            self.on_event(Decoding())
            return decode(latents.value, models, means.tile, means.vae_float32)

        image = self.climb.run("decode", work)
        return Made(image.value, tuple(dict.fromkeys((*latents.measures, *image.measures))))

    def _denoise(self) -> Made[Tensor]:
        remembered = self.keys.conditioning in self.stages
        pair = self.stages.once(self.keys.conditioning, self._encode, _pair_bytes)

        def work(models: LoadedCheckpoint, means: Means) -> Tensor:
            if remembered:
                self.on_event(Encoding())
            denoise = make_denoiser(self.recipe, models, pair.value, self.stop, means.split)
            return sample(self.recipe, denoise, self.on_event, self.preview(models)).cpu()

        return self.climb.run("denoise", work)

    def _encode(self) -> Made[Pair]:
        def work(models: LoadedCheckpoint, _: Means) -> Pair:
            self.on_event(Encoding())
            positive, negative = encode(self.recipe, models)
            return positive.cpu(), negative.cpu()

        return self.climb.run("encode", work)

    def _pass_over_steps(self) -> None:
        self.on_event(Encoding())
        self.on_event(Step(i=self.recipe.steps, n=self.recipe.steps))


def encode(recipe: Recipe, models: LoadedCheckpoint) -> Pair:
    """The conditioning of both prompts. Raises InvalidNumbers."""
    models = replace(models, embeddings=named(models.embeddings, recipe.embeddings))
    pair = encode_pair(recipe.prompt, recipe.negative_prompt, recipe.clip_skip, models)
    if not all(text.states.isfinite().all() for text in pair):
        raise InvalidNumbers(
            "The text encoder returned numbers that are not numbers (NaN), so there is no picture.",
            "Run with --dtype float32; if that fails, too, the checkpoint or a LoRA is damaged.",
        )
    return pair


def make_denoiser(
    recipe: Recipe, models: LoadedCheckpoint, pair: Pair, stop: Stop, split: bool = False
) -> Denoiser:
    """Gather what shapes the picture at every step."""
    positive, negative = pair
    return Denoiser(
        models=models,
        sigmas=ModelSigmas(models.alphas_cumprod.tolist(), aligned=models.family.aligned),
        positive=positive,
        negative=negative,
        guidance_scale=recipe.guidance_scale,
        prediction_type=recipe.prediction_type,
        size=recipe.size_conditioning,
        stop=stop,
        split=split,
    )


def sample(
    recipe: Recipe, denoise: Denoiser, on_event: OnEvent, preview: PreviewMap | None = None
) -> Tensor:
    """The finished latents [1, 4, h, w] of a text-to-image recipe, in float32.

    Raises InvalidNumbers at the step where they appear.
    """
    models = denoise.models
    chosen = sampler(recipe.sampler)
    sigmas = steps_sigmas(chosen, schedule(recipe.schedule), recipe.steps, denoise.sigmas)
    noise = PictureNoise(recipe.seed, recipe.size, models.device)
    x = first_latents(noise, chosen, sigmas[0])
    with models.using("unet"), attached(models.unet, models.hypernetworks):
        steps = chosen.run(denoise, x, sigmas, noise.for_sampler(chosen, x, sigmas))
        for i, step in enumerate(steps, start=1):
            x = step.x
            if not x.isfinite().all():
                raise InvalidNumbers(
                    f"The UNet returned numbers that are not numbers (NaN) at step {i}, so there "
                    "is no picture.",
                    "Try another sampler or a lower guidance scale. If every picture fails, run "
                    "with --dtype float32; if that fails, too, the checkpoint is damaged: copy it "
                    "again.",
                )
            glimpse = preview.jpeg(step.denoised) if preview else None
            on_event(Step(i=i, n=recipe.steps, preview=glimpse))
    return x


def text_to_latents(recipe: Recipe, models: LoadedCheckpoint, stop: Stop = lambda: False) -> Tensor:
    """Encode and sample, with nothing remembered and nothing healed."""
    return sample(recipe, make_denoiser(recipe, models, encode(recipe, models), stop), _unheard)


def _unheard(_: Event) -> None:
    return None


def _pair_bytes(pair: Made[Pair]) -> int:
    return sum(text.nbytes for text in pair.value)


def _latents_bytes(latents: Made[Tensor]) -> int:
    return latents.value.nbytes


def _image_bytes(image: Made[Image.Image]) -> int:
    return image.value.width * image.value.height * 3
