"""Whole pictures, what they are worth in the working dtype, and a prompt that is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image

from benchmarks.models import rival
from benchmarks.models.ours import PROMPT, STEPS, Shelf, free, paint
from benchmarks.timing import Row, interleaved
from pipelines import Engine
from pipelines.catalog import Catalog
from pipelines.draft import Draft, expand
from pipelines.recipe import Recipe

PICTURE = 0.55


def run(shelf: Shelf, rounds: int) -> Iterator[Row | str]:
    """Everything warm; every prompt of a timed picture is new, so that all encode it."""
    engine = shelf.engine()
    yield _whole_picture(engine, shelf, rounds)
    yield _repeated_prompt(engine, shelf)
    path, _ = shelf.files.checkpoints
    yield _likeness("random weights", engine, shelf, shelf.recipe(path))
    yield _likeness("the trained starter", engine, shelf, _starter_recipe(shelf.catalog))


def _whole_picture(engine: Engine, shelf: Shelf, rounds: int) -> Row:
    path, _ = shelf.files.checkpoints
    theirs = rival.load(path, shelf.files.config, torch.float32, engine.device)
    numbers = itertools.count()

    def prompt() -> str:
        return f"{PROMPT}, number {next(numbers)}"

    seconds = interleaved(
        {
            "ours": lambda: paint(engine, shelf.recipe(path, prompt=prompt())),
            "theirs": lambda: rival.paint(theirs, next(numbers), shelf.side, prompt()),
        },
        rounds,
    )
    what = f"picture, {shelf.side} px, {STEPS} steps, {_name(engine)}"
    return Row(what, seconds["ours"], "diffusers, float32", seconds["theirs"], PICTURE)


def _repeated_prompt(engine: Engine, shelf: Shelf) -> Row:
    """How often a text encoder runs for another seed, beside a new prompt."""
    path, _ = shelf.files.checkpoints
    runs = {"repeated": 0, "new": 0}
    for what, prompt in (("new", "a prompt never heard"), ("repeated", "a prompt never heard")):
        encoders = [encoder.module for encoder in engine.load(_chosen(shelf)).encoders]

        def count(*_: object, what: str = what) -> None:
            runs[what] += 1

        hooks = [encoder.register_forward_hook(count) for encoder in encoders]
        paint(engine, shelf.recipe(path, prompt=prompt, side=64, steps=1))
        for hook in hooks:
            hook.remove()
    what = "text encoder, for a repeated prompt"
    return Row(what, runs["repeated"], "for a new one", runs["new"], 0.0, "runs")


def _likeness(what: str, engine: Engine, shelf: Shelf, recipe: Recipe) -> str:
    """The same recipe in the working dtype and in float32, as a sentence."""
    free(engine)
    ours = paint(engine, recipe)
    free(engine)
    exact = shelf.engine(dtype="float32")
    wanted = paint(exact, recipe)
    free(exact)
    found = psnr(ours, wanted)
    return f"{_name(engine)} against float32, {what}, {recipe.size}: PSNR {found:.1f} dB"


def _starter_recipe(catalog: Catalog) -> Recipe:
    draft = Draft(prompt=PROMPT, seed=1, steps=20, sampler="Euler", checkpoint="starter")
    [recipe] = expand(draft, catalog)
    return recipe


def _chosen(shelf: Shelf):
    return shelf.catalog.checkpoint(shelf.files.checkpoints[0].name)


def _name(engine: Engine) -> str:
    return str(engine.dtype).removeprefix("torch.")


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Peak signal-to-noise ratio of two pictures, in dB."""
    pixels = [np.asarray(picture, dtype=np.float64) for picture in (one, other)]
    error = float(np.mean((pixels[0] - pixels[1]) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)
