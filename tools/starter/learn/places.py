"""Where the things of each scene stand in its latents: the little of a picture most asked for."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tools.starter.learn.grown import grown
from tools.starter.learn.pool import SIZE, painted
from tools.starter.learn.views import View
from tools.starter.world.scene import scene

_CELL = 8
"""Pixels along the side of what one latent shows."""


def thing_places(count: int, view_of: Callable[[int], View], path: Path) -> np.ndarray:
    """The share of each cell that a thing covers, in 255ths: uint8 [count, 32, 32].

    `view_of` gives the view that the scene of a seed is seen in.
    """
    paint = partial(_covered, view_of)

    def rows(start: int) -> Iterator[np.ndarray]:
        return painted(paint, range(start, count))

    side = SIZE // _CELL
    return grown(path, (count, side, side), np.uint8, rows)


def _covered(view_of: Callable[[int], View], seed: int) -> np.ndarray:
    from tools.starter.world.paint import paint

    view = view_of(seed)
    width, height = (max(side, SIZE) for side in view.original)
    plain = replace(scene(seed), style="plain")  # the same outlines, sooner painted
    truth = paint(plain, (width, height)).truth
    assert truth
    seen = truth.things[view.top : view.top + SIZE, view.left : view.left + SIZE] > 0
    cells = seen.reshape(SIZE // _CELL, _CELL, SIZE // _CELL, _CELL)
    return (cells.mean((1, 3)) * 255).astype(np.uint8)
