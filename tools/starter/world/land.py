"""The land of each place: ridges, mountains, woods and ground, back to front."""

from collections.abc import Sequence

import numpy as np
import skia

from tools.starter.world.decor import SLOPE, Snow, bands, copses, daisies, ridge, tufts
from tools.starter.world.light import mix
from tools.starter.world.shapes import blob, box, down, oval, polygon, under, union
from tools.starter.world.stage import UP, Stage
from tools.starter.world.vocabulary import RGB

Rng = np.random.Generator


def paint_land(st: Stage, place: str, snowing: bool, horizon: float, rng: Rng) -> None:
    """Everything of `place` but its water, from pixel row `horizon` and above it downwards."""
    white = 0.38 if snowing else 0.0
    _PLACES[place](st, horizon, rng, lambda rgb: mix(rgb, (240, 244, 250), white))


def _ground(st: Stage, top: float, far: RGB, near: RGB) -> None:
    with st.being("ground"):
        at = st.distance
        st.distance = 0.45
        first = st.colour(far)
        st.distance = at
        shader = down(top, st.height, first, st.colour(near))
        st.fill(box(-4, top, st.width + 4, st.height + 4), first, UP, shader=shader)


def _hill(
    st: Stage, line: Sequence[tuple[float, float]], bottom: float, colour: RGB, air: float
) -> None:
    with st.being("hill", 0.9 + 0.08 * air, air):
        low = min(y for _, y in line)
        st.distance = min(1.0, air + 0.22)
        base = st.colour(colour)
        st.distance = air
        shader = down(low, bottom, st.colour(colour, 1.04), base)
        st.fill(under(line, bottom), st.colour(colour), SLOPE, shader=shader)


def _hills_behind(st: Stage, y: float, rng: Rng, snow: Snow, height: float = 0.09) -> None:
    u = st.unit
    _hill(st, ridge(st, y, height * u, 1.1, rng), y + 4, snow((120, 160, 150)), 0.8)
    _hill(
        st, ridge(st, y + 0.01 * u, 0.6 * height * u, 1.7, rng), y + 4, snow((116, 164, 104)), 0.6
    )


def _meadow(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    _hills_behind(st, y, rng, snow)
    copses(st, y + 0.004 * st.unit, rng, snow)
    _ground(st, y, snow((166, 200, 98)), snow((100, 156, 68)))
    bands(st, y, snow((182, 210, 104)), rng)
    tufts(st, y, snow((84, 138, 60)), rng)
    daisies(st, y, rng)


def _rolling(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    u, deep = st.unit, st.height - y
    _hill(st, ridge(st, y, 0.2 * u, 0.9, rng, 8), y + 0.1 * deep, snow((126, 166, 152)), 0.85)
    _hill(
        st,
        ridge(st, y + 0.02 * u, 0.13 * u, 1.2, rng, 8),
        y + 0.2 * deep,
        snow((136, 178, 112)),
        0.6,
    )
    copses(st, y + 0.1 * deep, rng, snow)
    _ground(st, y + 0.1 * deep, snow((168, 196, 92)), snow((112, 162, 70)))
    line = ridge(st, y + 0.15 * deep, 0.1 * u, 1.5, rng, 7)
    with st.being("ground", None, 0.35):
        shader = down(
            y, y + 0.5 * deep, st.colour(snow((174, 206, 104))), st.colour(snow((136, 182, 82)))
        )
        st.fill(under(line, y + 0.55 * deep), st.colour(snow((160, 196, 92))), SLOPE, shader=shader)
    line = ridge(st, y + 0.52 * deep, 0.08 * u, 1.0, rng, 6)
    with st.being("ground", None, 0.1):
        shader = down(
            y + 0.4 * deep,
            st.height,
            st.colour(snow((146, 192, 84))),
            st.colour(snow((98, 152, 66))),
        )
        st.fill(under(line, st.height + 4), st.colour(snow((122, 174, 76))), SLOPE, shader=shader)


def _mountains(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    _peaks(st, y, rng, 0.3)
    _hill(
        st,
        ridge(st, y + 0.01 * st.unit, 0.05 * st.unit, 1.9, rng),
        y + 4,
        snow((92, 134, 104)),
        0.5,
    )
    _ground(st, y, snow((150, 182, 100)), snow((98, 146, 74)))
    bands(st, y, snow((172, 198, 112)), rng)
    tufts(st, y, snow((80, 128, 62)), rng)


def _peaks(st: Stage, y: float, rng: Rng, height: float) -> None:
    count = max(3, round(3 * st.width / st.unit))
    order = rng.permutation(count)
    for i in order:
        x = (i + rng.uniform(0.3, 0.7)) / count * st.width
        tall = (0.6 * st.unit + 0.8 * y) * height * rng.uniform(0.72, 1.12)
        wide = 0.85 * tall * rng.uniform(0.95, 1.25)
        _peak(st, x, y, tall, wide, rng)


def _peak(st: Stage, x: float, y: float, tall: float, wide: float, rng: Rng) -> None:
    bend = rng.uniform(-0.12, 0.12) * wide
    left, right, top = (x - wide, y + 3), (x + wide, y + 3), (x, y - tall)
    lit, dark = (132, 136, 158), (92, 98, 130)
    from_right = st.light.sun[0] * st.width > x
    spine = [top, (x + bend, y - 0.62 * tall), (x - 0.6 * bend, y - 0.3 * tall), (x + bend, y + 3)]
    a, b = (dark, lit) if from_right else (lit, dark)
    with st.being("mountain", 0.98, 0.62):
        st.fill(polygon(left, top, right), st.colour(a), (-0.5, 0.5, 0.7))
        st.shade(polygon(*spine, right), st.colour(b))
        cap = 0.36
        edge = [
            (x - cap * wide, y - tall * (1 - cap)),
            (x - 0.2 * wide, y - tall * 0.72),
            (x - 0.08 * wide, y - tall * 0.58),
            (x + 0.06 * wide, y - tall * 0.72),
            (x + 0.18 * wide, y - tall * 0.6),
            (x + cap * wide, y - tall * (1 - cap)),
        ]
        white, shade = (250, 252, 255), (196, 208, 234)
        c, d = (shade, white) if from_right else (white, shade)
        st.shade(polygon(top, *edge), st.colour(c))
        st.shade(polygon(top, (x + 0.6 * bend, y - 0.66 * tall), *edge[3:]), st.colour(d))


def _forest(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    u = st.unit
    tall = 0.37 * u + 0.6 * (y - 0.48 * u)
    back, front = snow((92, 140, 112)), snow((54, 106, 66))
    with st.being("plant", 0.97, 0.8):
        crowns = _crowns(st, y - 0.62 * tall, 0.1 * u, rng)
        crowns.append(box(-4, y - 0.58 * tall, st.width + 4, y + 0.03 * u))
        st.fill(union(crowns), st.colour(back), SLOPE)
    with st.being("plant", 0.93, 0.35):
        bark = st.colour(snow((86, 66, 54)))
        for i in range(round(5 * st.width / u) + 1):
            x = (i + rng.uniform(-0.3, 0.3)) / 5 * u
            wide = u * rng.uniform(0.014, 0.022)
            st.fill(box(x - wide, y - 0.5 * tall, x + wide, y + 0.035 * u), bark)
        crowns = _crowns(st, y - 0.5 * tall, 0.13 * u, rng)
        shader = down(y - 0.9 * tall, y - 0.3 * tall, st.colour(front, 0.8), st.colour(front, 1.12))
        near = st.colour(front)
        st.fill(union(crowns), near, SLOPE, shader=shader)
    _ground(st, y + 0.02 * u, snow((122, 152, 84)), snow((74, 110, 54)))
    bands(st, y, snow((160, 186, 96)), rng)
    tufts(st, y, snow((60, 100, 50)), rng)


def _crowns(st: Stage, y: float, r: float, rng: Rng) -> list[skia.Path]:
    """A row of round tree tops about row `y`, of about radius `r`."""
    count = int(st.width / (0.95 * r)) + 2
    spots = rng.uniform(-0.25, 0.25, (count, 2))
    return [
        oval((i + dx) * 0.95 * r, y + 1.6 * dy * r, 0.72 * r, 0.9 * r)
        for i, (dx, dy) in enumerate(spots)
    ]


def _desert(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    u, deep = st.unit, st.height - y
    _hill(st, ridge(st, y, 0.1 * u, 1.3, rng, 7), y + 4, snow((206, 156, 120)), 0.7)
    _ground(st, y, snow((240, 206, 142)), snow((222, 174, 106)))
    for row, tall, air in ((0.06, 0.07, 0.3), (0.3, 0.07, 0.15), (0.62, 0.06, 0.0)):
        x, wide = rng.uniform(0, st.width), rng.uniform(0.5, 0.8) * st.width
        base, crest = y + row * deep, y + row * deep - tall * u
        with st.being("ground", None, air):
            left, right = (x - wide, base + 0.06 * deep), (x + wide, base + 0.06 * deep)
            st.fill(
                blob(
                    [
                        left,
                        left,
                        (x - 0.3 * wide, crest),
                        (x, crest - 0.3 * tall * u),
                        (x + 0.4 * wide, base),
                        right,
                        right,
                    ]
                ),
                st.colour(snow((242, 206, 138))),
                SLOPE,
            )
            st.shade(
                blob(
                    [
                        (x, crest),
                        (x + 0.12 * wide, crest + 0.2 * tall * u),
                        (x + 0.45 * wide, base),
                        right,
                        right,
                        (x + 0.1 * wide, base + 0.02 * deep),
                    ]
                ),
                st.colour(snow((214, 162, 100))),
            )


def _snowfield(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    u, deep = st.unit, st.height - y
    _hill(st, ridge(st, y, 0.12 * u, 1.0, rng, 8), y + 4, (206, 220, 240), 0.6)
    _hill(st, ridge(st, y + 0.01 * u, 0.06 * u, 1.5, rng, 8), y + 4, (222, 232, 246), 0.4)
    _ground(st, y, (232, 240, 250), (246, 249, 255))
    for row in (0.12, 0.36, 0.66):
        line = ridge(st, y + row * deep, 0.05 * u, 1.1, rng, 6)
        with st.being("ground", None, 0.1):
            end = y + min(1.0, row + 0.3) * deep
            shader = down(
                y + row * deep - 0.05 * u,
                end,
                st.colour((252, 253, 255)),
                st.colour((206, 220, 242)),
            )
            st.shade(under(line, end + 4), st.colour((244, 248, 255)), shader)


def _beach(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    _ground(st, y, snow((246, 226, 176)), snow((236, 204, 146)))


def _open_sea(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    x = st.width * (0.14 if rng.random() < 0.5 else 0.86)
    line = [
        (x - 0.3 * st.unit, y),
        (x - 0.2 * st.unit, y - 0.03 * st.unit),
        (x, y - 0.06 * st.unit),
    ]
    line += [(x + 0.16 * st.unit, y - 0.02 * st.unit), (x + 0.3 * st.unit, y)]
    _hill(st, line, y + 3, (120, 144, 160), 0.8)


def _lakeside(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    u = st.unit
    _peaks(st, y, rng, 0.2)
    _hill(st, ridge(st, y + 0.01 * u, 0.08 * u, 1.6, rng), y + 4, snow((98, 142, 104)), 0.5)
    _ground(st, y, snow((146, 186, 96)), snow((100, 154, 70)))


def _riverside(st: Stage, y: float, rng: Rng, snow: Snow) -> None:
    _hills_behind(st, y, rng, snow, 0.13)
    copses(st, y + 0.004 * st.unit, rng, snow)
    _ground(st, y, snow((160, 194, 96)), snow((104, 160, 70)))
    bands(st, y, snow((180, 208, 104)), rng)
    tufts(st, y, snow((86, 140, 62)), rng)


_PLACES = {
    "meadow": _meadow,
    "hills": _rolling,
    "mountains": _mountains,
    "forest": _forest,
    "desert": _desert,
    "beach": _beach,
    "sea": _open_sea,
    "lake": _lakeside,
    "river": _riverside,
    "snowfield": _snowfield,
}
