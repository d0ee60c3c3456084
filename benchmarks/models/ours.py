"""Gesso, asked as its server asks it: drafts in, through `expand`, the catalog and the engine."""

from __future__ import annotations

import ctypes
import gc
import itertools
import time
from contextlib import suppress
from pathlib import Path

import torch
from PIL import Image

from benchmarks.models.files import Files
from pipelines import Catalog, Draft, Engine, expand
from pipelines.errors import Cancelled
from pipelines.events import Decoding, Encoding, Event, Step
from pipelines.geometry import Size
from pipelines.models.device import choose_device
from pipelines.prompt.networks import LoraAsked
from pipelines.recipe import Recipe

STEPS = 4
PROMPT = "a red house on a hill, a meadow, a clear day"


class Shelf:
    """The files as the studio knows them, hashes and all: a first hash would run beside."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.device = choose_device()
        folders = {files.folder, *(path.parent for path in files.checkpoints)}
        self.catalog = Catalog.open(sorted(folders), cache=files.folder / "library.sqlite")
        self._seeds = itertools.count()
        one, two = files.checkpoints
        for lora in files.loras:
            self.catalog.hashed_recipe(self.recipe(one, loras={lora: 1.0}, vae=files.vae))
        self.catalog.hashed_recipe(self.recipe(two))

    @property
    def side(self) -> int:
        """Of the pictures: what a processor paints in seconds, and a GPU not in an instant."""
        return 256 if self.device.type == "cpu" else 512

    def recipe(
        self,
        checkpoint: Path,
        *,
        loras: dict[Path, float] | None = None,
        vae: Path | None = None,
        prompt: str = PROMPT,
        side: int | None = None,
        steps: int = STEPS,
    ) -> Recipe:
        """A picture nobody has painted yet: each call has a seed of its own."""
        [recipe] = expand(
            Draft(
                prompt=prompt,
                seed=next(self._seeds),
                steps=steps,
                sampler="Euler",
                size=Size(width=side or self.side, height=side or self.side),
                checkpoint=checkpoint.name,
                vae=vae.name if vae else "None",
                loras=tuple(
                    LoraAsked(name=path.name, weight=weight)
                    for path, weight in (loras or {}).items()
                ),
            ),
            self.catalog,
        )
        return recipe

    def engine(self, dtype: str = "auto", **budgets: int) -> Engine:
        """A fresh one."""
        return Engine(self.catalog, dtype=dtype, **budgets)


class Course:
    """When what happened to a picture: the events, and the seconds of its steps."""

    def __init__(self, until: type[Event] | None = None) -> None:
        self._until = until
        self._last = 0.0
        self.step_seconds: list[float] = []

    def __call__(self, event: Event) -> None:
        now = time.perf_counter()
        if isinstance(event, Step):
            if event.i > 1:
                self.step_seconds.append(now - self._last)
            self._last = now
        if self._until is not None and isinstance(event, self._until):
            raise Cancelled


def ready(engine: Engine, recipe: Recipe) -> None:
    """From the request to the moment its text is encoded: all models are in place."""
    with suppress(Cancelled):
        engine.render(recipe, Course(until=Encoding))
    synchronize(engine.device)


def step_seconds(engine: Engine, recipe: Recipe) -> list[float]:
    """Of the steps of a picture, but for the first; it is not decoded."""
    course = Course(until=Decoding)
    with suppress(Cancelled):
        engine.render(recipe, course)
    return course.step_seconds


def paint(engine: Engine, recipe: Recipe) -> Image.Image:
    """A whole picture."""
    return engine.render(recipe).image


def free(engine: Engine) -> None:
    """As "Free memory" does, and whatever diffusers has left behind."""
    engine.free()
    gc.collect()


def give_back() -> None:
    """Give the system the memory that the allocator keeps, where it is glibc's."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def synchronize(device: torch.device) -> None:
    """Wait for what the device still does."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
