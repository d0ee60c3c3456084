"""How often a checkpoint's pictures show what was asked, painted by Gesso's own engine."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines import Catalog, Draft, Engine, expand
from tools.starter.learn.probe import Probe, as_array
from tools.starter.world.questions import Question, grade


class Painter:
    """Pictures of one checkpoint file, with its variant's own defaults."""

    def __init__(self, checkpoint: Path) -> None:
        self._catalog = Catalog.open([checkpoint.parent.parent])
        self._engine = Engine(self._catalog)
        self._name = checkpoint.name

    def paint(self, prompt: str, seed: int, **settings) -> Image.Image:
        """One picture; `settings` are further fields of `Draft`."""
        draft = Draft(prompt=prompt, seed=seed, checkpoint=self._name, **settings)
        [recipe] = expand(draft, self._catalog)
        return self._engine.render(recipe).image


def measure(
    pictures: Sequence[Image.Image], asked: Sequence[Question], probe: Probe
) -> dict[str, float]:
    """The share of hits for each kind of attribute over all pictures, and over all of them.

    Attributes of the three columns count together: "kind", "colour", "distance", "pose".
    """
    hits: dict[str, list[bool]] = {}
    for seen, question in zip(probe.read(as_array(pictures)), asked, strict=True):
        for name, hit in grade(seen, question).items():
            hits.setdefault(name.split()[-1], []).append(hit)
    every = [hit for one in hits.values() for hit in one]
    return {name: float(np.mean(one)) for name, one in hits.items()} | {
        "all": float(np.mean(every))
    }
