"""Animals' heads, facing right: cats and dogs have noses, horses and cows have snouts."""

from tools.starter.world.shapes import blob, disc, oval, polygon
from tools.starter.world.stage import Point, Stage
from tools.starter.world.vocabulary import RGB


def head(st: Stage, kind: str, colour: RGB, size: Point, at: Point, nose: Point) -> Point:
    """The head of `kind`, `size` its radii, about `at`; gives where the eye is."""
    if kind == "cat":
        _cat(st, colour, size, at)
    elif kind == "dog":
        _dog(st, colour, size, at, nose)
    else:
        _hoofed(st, kind, colour, size, at, nose)
    eye, dark = (at[0] + 0.012, at[1] - 0.006), sum(colour) < 200
    st.shade(disc(*eye, 0.0062), st.colour((250, 226, 140) if dark else (34, 28, 34)))
    if kind in ("dog", "cat"):
        tip = disc(nose[0] + 0.004, nose[1] - 0.002, 0.0085)
        st.shade(tip, st.colour((216, 160, 160) if dark else (40, 32, 36)))
    return eye


def _ear(st: Stage, base: Point, half: float, tip: Point, coat: int) -> None:
    (x, y), (dx, dy) = base, tip
    st.fill(polygon((x - half, y), (x + dx, y + dy), (x + half, y)), coat)


def _cat(st: Stage, colour: RGB, size: Point, at: Point) -> None:
    coat = st.colour(colour)
    for ear in (-0.021, 0.019):
        _ear(st, (at[0] + ear, at[1] - 0.016), 0.015, (0.001, -0.04), coat)
    st.fill(oval(*at, *size), coat, round=True)


def _dog(st: Stage, colour: RGB, size: Point, at: Point, nose: Point) -> None:
    (x, y), coat = at, st.colour(colour)
    st.limb([at, nose], 0.026, coat)
    st.fill(oval(*at, *size), coat, round=True)
    flap = [(x - 0.03, y - 0.022), (x - 0.002, y - 0.026), (x - 0.004, y + 0.03)]
    dim = st.colour(colour, 0.72 if max(colour) > 80 else 1.5)
    st.fill(blob([*flap, (x - 0.036, y + 0.034)]), dim)


def _hoofed(st: Stage, kind: str, colour: RGB, size: Point, at: Point, nose: Point) -> None:
    coat, horse = st.colour(colour), kind == "horse"
    for ear in (-0.017, 0.003):
        tip = (0.0, -0.035) if horse else (-0.03, -0.034)
        _ear(st, (at[0] + ear, at[1] - 0.015), 0.011, tip, coat)
    st.limb([(at[0] - 0.012, at[1] - 0.004), nose], 1.72 * size[1], coat)
    snout = st.colour(colour, 0.9) if horse else st.colour((250, 226, 206))
    st.fill(disc(*nose, 0.86 * size[1]), snout)
