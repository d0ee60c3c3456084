"""Small things that dress the land: far trees, stripes of light, grass and daisies."""

from collections.abc import Callable

import numpy as np

from tools.starter.world.shapes import down, oval, under, union
from tools.starter.world.stage import Normal, Stage
from tools.starter.world.vocabulary import RGB

Rng = np.random.Generator
Snow = Callable[[RGB], RGB]
"""Whitens a colour of the land while snow falls."""

SLOPE: Normal = (0.0, 0.8, 0.6)


def ridge(
    st: Stage, y: float, height: float, waves: float, rng: Rng, points: int = 9
) -> list[tuple[float, float]]:
    xs = np.linspace(-0.06, 1.06, points) * st.width
    ys = y - height * (0.5 + 0.5 * np.sin(np.arange(points) * waves + rng.uniform(0, 6.3)))
    ys -= 0.35 * height * rng.random(points)
    return [(float(x), float(v)) for x, v in zip(xs, ys, strict=True)]


def copses(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    """Far clumps of trees along row `y`."""
    with st.being("plant", 0.97, 0.55):
        for _ in range(round(3 * st.width / st.unit) + 1):
            x, clump = rng.uniform(0, st.width), []
            for dx in np.linspace(-1, 1, int(rng.integers(2, 5))):
                r = st.unit * rng.uniform(0.016, 0.03)
                clump.append(oval(x + 0.035 * st.unit * dx, y - 0.9 * r, r, 1.15 * r))
            clump = union(clump)
            st.fill(clump, st.colour(snow((82, 132, 84))), SLOPE)


def bands(st: Stage, y: float, colour: RGB, rng: Rng) -> None:
    """Soft stripes of light on the ground."""
    deep = st.height - y
    for k in (0.14, 0.4, 0.74):
        line = ridge(st, y + (k + rng.uniform(-0.05, 0.05)) * deep, 0.03 * st.unit, 1.2, rng, 6)
        low = max(v for _, v in line) + 0.12 * deep
        top = min(v for _, v in line)
        first = st.colour(colour, alpha=110)
        st.shade(under(line, low), first, down(top, low, first, first & 0x00FFFFFF))


def daisies(st: Stage, y: float, rng: Rng) -> None:
    deep = st.height - y
    spots = rng.random((int(16 * st.width / st.unit), 2))
    for i, petals in enumerate(((250, 248, 240), (250, 216, 90))):
        dots = [
            oval(
                x * st.width,
                y + (0.2 + 0.8 * k) * deep,
                (0.004 + 0.006 * k) * st.unit,
                (0.003 + 0.005 * k) * st.unit,
            )
            for x, k in spots[i::2]
        ]
        st.shade(union(dots), st.colour(petals))


def tufts(st: Stage, y: float, colour: RGB, rng: Rng) -> None:
    """Blades of grass, larger towards the viewer."""
    deep = st.height - y
    count = int(12 * st.width / st.unit)
    for x, k in rng.random((count, 2)):
        near = 0.15 + 0.85 * k
        px, py, s = x * st.width, y + near * deep, 0.035 * near * st.unit
        paths = [(px - 0.7 * s, py - 0.6 * s), (px, py - s), (px + 0.7 * s, py - 0.65 * s)]
        ink = st.colour(colour, 0.9 + 0.2 * k)
        for tip in paths:
            st.mark([(px, py), tip], 0.0085 * near * st.unit, ink)
