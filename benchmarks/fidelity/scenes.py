"""Painted scenes that no model learnt from, and others that the same words describe."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, islice

import numpy as np
from PIL import Image

from tools.starter.world.paint import paint
from tools.starter.world.questions import UNSEEN
from tools.starter.world.scene import Scene, scene


def unseen(number: int) -> list[Scene]:
    """The scenes that `questions(number)` asks for, in their order."""
    drawn = (scene(seed, held_out=True) for seed in count(UNSEEN))
    return list(islice((each for each in drawn if each.things), number))


def another(drawn: Scene, number: int) -> Scene:
    """A scene of the same words: all that no caption tells is drawn anew for each `number`."""
    rng = np.random.default_rng((drawn.seed, number))
    things = tuple(
        replace(
            thing,
            x=thing.x + float(rng.uniform(-0.03, 0.03)),
            facing=int(rng.choice((-1, 1))),
            variant=float(rng.random()),
        )
        for thing in drawn.things
    )
    other = scene(number, held_out=None)
    untold = {name: getattr(other, name) for name in ("seed", "horizon", "sun_x", "crescent")}
    return replace(drawn, things=things, **untold)


def painted(drawn: Scene) -> Image.Image:
    """Its picture, 256 px on a side."""
    return Image.fromarray(paint(drawn, truth=False).pixels)
