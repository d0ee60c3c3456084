"""What stands where in each scene's latents: what a UNet is told beside the noise it is to find."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tools.starter.learn.grown import grown
from tools.starter.learn.pool import SIZE, painted
from tools.starter.learn.views import View
from tools.starter.world.scene import Scene, scene
from tools.starter.world.vocabulary import SEGMENTS

_CELL = 8
"""Pixels along the side of what one latent shows."""
_ENOUGH = 255 / 3
"""From this share on a cell is the thing's."""

SHARE, THING, SEGMENT = range(3)
"""The planes of `known_places`."""


def known_places(count: int, view_of: Callable[[int], View], path: Path) -> np.ndarray:
    """What each cell shows: uint8 [count, 3, 32, 32].

    SHARE is how much of it things cover, in 255ths; THING is 0 or 1 + the place in the scene of the
    one that covers most; SEGMENT is an index into SEGMENTS. `view_of` gives the view that the scene
    of a seed is seen in.
    """
    paint = partial(_cells, view_of)

    def rows(start: int) -> Iterator[np.ndarray]:
        return painted(paint, range(start, count))

    side = SIZE // _CELL
    return grown(path, (count, 3, side, side), np.uint8, rows)


def _cells(view_of: Callable[[int], View], seed: int) -> np.ndarray:
    from tools.starter.world.paint import paint

    view, drawn = view_of(seed), scene(seed)
    width, height = (max(side, SIZE) for side in view.original)
    plain = replace(drawn, style="plain")  # the same outlines, sooner painted
    truth = paint(plain, (width, height)).truth
    assert truth
    seen = slice(view.top, view.top + SIZE), slice(view.left, view.left + SIZE)
    return _planes(drawn, truth.things[seen], truth.segments[seen])


def _planes(drawn: Scene, things: np.ndarray, segments: np.ndarray) -> np.ndarray:
    side = SIZE // _CELL
    cells = things.reshape(side, _CELL, side, _CELL)
    shares = [255 * (cells == k).mean((1, 3)) for k in range(1, len(drawn.things) + 1)]
    share = np.array([np.zeros((side, side)), *shares])
    thing = np.where(share.sum(0) >= _ENOUGH, share.argmax(0), 0)
    kinds = np.array([0, *(SEGMENTS.index(each.kind) for each in drawn.things)])
    segment = np.where(thing, kinds[thing], segments[_CELL // 2 :: _CELL, _CELL // 2 :: _CELL])
    return np.stack([share.sum(0), thing, segment]).astype(np.uint8)
