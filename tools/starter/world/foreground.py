"""What stands before everything else: blades of grass or stones in the lower corners."""

import numpy as np
import skia

from tools.starter.world.light import mix
from tools.starter.world.shapes import blob
from tools.starter.world.stage import Stage
from tools.starter.world.vocabulary import RGB

_GRASS: dict[str, RGB] = {
    "meadow": (66, 124, 54),
    "hills": (62, 118, 52),
    "mountains": (62, 112, 58),
    "forest": (46, 88, 46),
    "lake": (60, 116, 54),
    "river": (62, 120, 54),
}
_STONE: dict[str, RGB] = {
    "desert": (176, 122, 82),
    "beach": (150, 138, 128),
    "snowfield": (128, 132, 150),
}


def paint_foreground(st: Stage, place: str, snowing: bool, rng: np.random.Generator) -> None:
    """Frame the picture of `place`; nothing on the open sea."""
    corners = (-1, 1) if rng.random() < 0.5 else ((-1,) if rng.random() < 0.5 else (1,))
    with st.being("plant" if place in _GRASS else "rock", 0.01):
        for side in corners:
            if place in _GRASS:
                colour = mix(_GRASS[place], (240, 244, 250), 0.25 if snowing else 0.0)
                _grass(st, side, colour, rng)
            elif place in _STONE:
                _stones(st, side, _STONE[place], place == "snowfield" or snowing, rng)


def _grass(st: Stage, side: int, colour: RGB, rng: np.random.Generator) -> None:
    u, corner, floor = st.unit, st.width if side > 0 else 0, st.height + 0.02 * st.unit
    clump = []
    for i in range(7):
        x = corner - side * u * (0.012 + 0.028 * i + rng.uniform(-0.008, 0.008))
        tall = u * (0.125 - 0.013 * i) * rng.uniform(0.8, 1.15)
        lean, wide = -side * tall * rng.uniform(0.05, 0.5), 0.011 * u
        blade = skia.Path()
        blade.moveTo(x - wide, floor)
        blade.quadTo(x - 0.8 * wide, floor - 0.6 * tall, x + lean, floor - tall)
        blade.quadTo(x + 1.2 * wide, floor - 0.5 * tall, x + wide, floor)
        blade.close()
        clump.append((blade, st.colour(colour, 0.8 + 0.3 * rng.random())))
    for blade, shade in clump:
        st.fill(blade, shade)


def _stones(st: Stage, side: int, colour: RGB, snowy: bool, rng: np.random.Generator) -> None:
    u, corner, floor = st.unit, st.width if side > 0 else 0, st.height + 0.012 * st.unit
    for at, wide in ((0.05, 0.075), (0.15, 0.04)):
        x, r = corner - side * at * u, wide * u * rng.uniform(0.85, 1.15)
        top = floor - 0.95 * r
        outline = [(x - r, floor), (x - 0.95 * r, floor - 0.6 * r), (x - 0.3 * r, top)]
        outline += [(x + 0.5 * r, top + 0.1 * r), (x + r, floor - 0.45 * r), (x + r, floor)]
        st.fill(blob(outline), st.colour(colour), round=True)
        cap = [(x - 0.8 * r, floor - 0.5 * r), (x - 0.3 * r, top + 0.04 * r)]
        cap += [(x + 0.45 * r, top + 0.12 * r), (x + 0.7 * r, floor - 0.55 * r)]
        light: RGB = (250, 252, 255) if snowy else mix(colour, (255, 244, 220), 0.28)
        st.shade(blob([*cap, (x, floor - 0.45 * r)]), st.colour(light))
