"""How starter-xl sees a picture: whole, out of a small file, or as a part of a larger one.

SDXL is told the size that a picture once had and where it was cropped (Podell et al. 2023, section
2.2). For that to mean something, half of the pictures learnt from were really small or cropped.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from tools.starter.learn.pool import SIZE
from tools.starter.world.scene import Scene


@dataclass(frozen=True)
class View:
    """A square of 256 px: `original` (width, height) in pixels, and where the crop began."""

    original: tuple[int, int]
    left: int = 0
    top: int = 0

    def mirrored(self) -> "View":
        """The same of the mirror image."""
        width = max(self.original[0], SIZE)
        return View(self.original, width - SIZE - self.left, self.top)

    @property
    def whole(self) -> bool:
        """Nothing was cut off, and nothing blurred."""
        return self == View((SIZE, SIZE))

    @property
    def time_ids(self) -> tuple[int, ...]:
        """What the UNet is told: original height and width, crop top and left, target's size."""
        width, height = self.original
        return height, width, self.top, self.left, SIZE, SIZE


def view_of(seed: int) -> View:
    """Half are whole, a fifth were 64 to 192 px wide, the rest are parts of up to 384 px."""
    rng = np.random.default_rng((7, seed))
    choice = rng.random()
    if choice < 0.5:
        return View((SIZE, SIZE))
    if choice < 0.7:
        side = int(rng.integers(8, 25)) * 8
        return View((side, side))
    width, height = (int(side) * 8 for side in rng.integers(SIZE // 8, 49, 2))
    left, top = rng.integers(0, width - SIZE + 1), rng.integers(0, height - SIZE + 1)
    return View((width, height), int(left), int(top))


def whole(seed: int) -> View:
    """The view of those who are told no size."""
    return View((SIZE, SIZE))


def paint_view(scene: Scene, view: View) -> np.ndarray:
    """The picture of `scene` so seen: uint8 [256, 256, 3]."""
    from tools.starter.world.paint import paint

    width, height = (max(side, SIZE) for side in view.original)
    pixels = paint(scene, (width, height), truth=False).pixels
    if view.original[0] < SIZE:
        small = Image.fromarray(pixels).resize(view.original, Image.Resampling.LANCZOS)
        return np.asarray(small.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    return pixels[view.top : view.top + SIZE, view.left : view.left + SIZE]
