"""What a step costs beside the bare UNet: the same weights, the same pair, in one run."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.timing import Row, interleaved
from pipelines import Catalog, Draft, Engine, expand
from pipelines.engine.denoise import Denoiser
from pipelines.engine.preview import PreviewMap
from pipelines.engine.render import encode, make_denoiser, sample
from pipelines.models.loader import LoadedCheckpoint
from pipelines.recipe import Recipe

STEPS = 10


def run(rounds: int = 21) -> Iterator[Row]:
    """The starter at its native size: loop with previews against a loop of bare UNet calls."""
    catalog = Catalog.open()
    engine = Engine(catalog)
    [recipe] = expand(
        Draft(prompt="a red house, a meadow, a clear day", seed=1, steps=STEPS, sampler="Euler"),
        catalog,
    )
    models = engine.load(catalog.checkpoint(None))
    with torch.inference_mode():
        yield _against_bare_loop(recipe, models, rounds)


def _against_bare_loop(recipe: Recipe, models: LoadedCheckpoint, rounds: int) -> Row:
    denoise = make_denoiser(recipe, models, encode(recipe, models), lambda: False)
    preview = PreviewMap.fit(models)
    seconds = interleaved(
        {
            "ours": lambda: sample(recipe, denoise, lambda _: None, preview),
            "bare": lambda: _bare_loop(denoise, recipe),
        },
        rounds,
    )
    what = f"step, {models.variant.label}, {recipe.size}, {models.dtype}"
    ours, bare = seconds["ours"] / STEPS, seconds["bare"] / STEPS
    return Row(what, ours, "bare UNet call", bare, wanted=1.03)


def _bare_loop(denoise: Denoiser, recipe: Recipe) -> None:
    """Nothing but the UNet, called as often and on the same shapes."""
    models, [texts] = denoise.models, denoise.batches
    pair = torch.randn(2, 4, *recipe.size.latent, dtype=models.dtype, device=models.device)
    for step in range(STEPS):
        timestep = torch.tensor(1000.0 - step, device=models.device)
        models.unet(pair, timestep, **texts)
