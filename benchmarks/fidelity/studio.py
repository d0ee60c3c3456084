"""The starter models under Gesso's own engine, and the judge of what they paint."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pipelines import Catalog, Draft, Engine, Recipe, expand
from pipelines.catalog import PRESETS
from pipelines.errors import UnknownModel
from pipelines.events import Event
from pipelines.library.kinds import Role
from pipelines.models.loader import LoadedCheckpoint
from pipelines.models.model_set import ModelSet
from tools.starter.learn.measure import measure
from tools.starter.learn.probe import as_array, load_probe, split_heads
from tools.starter.learn.vae import to_tensor
from tools.starter.world.questions import HEADS, Question

PROBE = Path(__file__).parents[2] / "tools" / "starter" / "probe.safetensors"
STEPS = 12
"""Of a picture, unless an experiment is about them: enough for DPM++ 2M, as `steps` shows."""


class Studio:
    """Paints with the models bundled in `presets`; nothing is painted twice.

    `steps` is for tests, which look at the way and not at the pictures.
    """

    def __init__(self, presets: Path = PRESETS, probe: Path = PROBE, steps: int = STEPS) -> None:
        self.catalog = Catalog.open(presets=[presets])
        self.steps = steps
        self.painted: set[Recipe] = set()
        self._engine = Engine(self.catalog)
        self._probe = load_probe(probe)

    def paint(self, prompt: str, seed: int = 0, **settings) -> Image.Image:
        """One picture; `settings` are further fields of `Draft`.

        Raises UnknownModel for a file that is not there.
        """
        recipe = self._recipe(prompt, seed, settings)
        self.painted.add(recipe)
        return self._engine.render(recipe).image

    def paint_afresh(self, prompt: str, seed: int = 0, **settings) -> Image.Image:
        """The same by an engine that has loaded nothing and remembers nothing."""
        return Engine(self.catalog).render(self._recipe(prompt, seed, settings)).image

    def models(self, **settings) -> LoadedCheckpoint:
        """The very modules that paint with these `settings`."""
        wanted = ModelSet.of(self._recipe("", 0, settings), self.catalog)
        return self._engine.manager.ready(wanted, _unheard, lambda: False)

    def require(self, role: Role, name: str) -> None:
        """Raises UnknownModel if the file is not there."""
        if role == "checkpoint":
            self.catalog.checkpoint(name)
        else:
            self.catalog.model(role, name)

    def has(self, role: Role, name: str) -> bool:
        """Whether the file is there."""
        with suppress(UnknownModel):
            self.require(role, name)
            return True
        return False

    def see(self, pictures: Sequence[Image.Image]) -> list[dict[str, str]]:
        """What the probe sees in each picture: a value for each head."""
        return self._probe.read(as_array(pictures))

    def share(self, pictures: Sequence[Image.Image], *values: str) -> float:
        """The share of pictures in which the probe sees all of these, wherever they are."""
        return float(np.mean([set(values) <= set(seen.values()) for seen in self.see(pictures)]))

    @torch.inference_mode()
    def belief(self, pictures: Sequence[Image.Image], head: str, value: str) -> np.ndarray:
        """How sure the probe is of a head's value in each picture, 0..1."""
        logits = dict(split_heads(self._probe(to_tensor(as_array(pictures)))))[head]
        return logits.softmax(-1)[:, HEADS[head].index(value)].cpu().numpy()

    def rates(self, pictures: Sequence[Image.Image], asked: Sequence[Question]) -> dict[str, float]:
        """The share of what was asked that the probe sees, by kind of attribute and in "all"."""
        return measure(pictures, asked, self._probe)

    def _recipe(self, prompt: str, seed: int, settings: dict) -> Recipe:
        chosen = {"checkpoint": "starter", "steps": self.steps, **settings}
        [recipe] = expand(Draft(prompt=prompt, seed=seed, **chosen), self.catalog)
        return recipe


def _unheard(_: Event) -> None:
    return None
