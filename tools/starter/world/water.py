"""Water: where it lies, and what it reflects."""

import numpy as np
import skia

from tools.starter.world.light import mix
from tools.starter.world.shapes import blob, box, oval, union
from tools.starter.world.sky import sun_at
from tools.starter.world.stage import UP, Stage
from tools.starter.world.vocabulary import RGB

SHORE = {"sea": 0.0, "beach": 0.0, "lake": 0.16, "river": 0.0}
"""The far edge of the water, as a fraction of the ground's height from the horizon down."""

_WATER: RGB = (58, 118, 176)
_STEEPNESS = 1.3
"""Waves show a sky that many times as tall as still water does."""


def water_outline(
    st: Stage, place: str, horizon: float, river_x: float, rng: np.random.Generator
) -> skia.Path:
    """The water of `place` in pixels; a river passes at `river_x`, a fraction of the width."""
    w, deep = st.width, st.height - horizon
    top = horizon + SHORE[place] * deep
    if place == "sea":
        return box(-4, top, w + 4, st.height + 4)
    if place == "river":
        return _river(st, horizon, river_x, rng)
    low = horizon + (0.52 if place == "beach" else 0.7) * deep
    sway = 0.07 * deep * (1 if rng.random() < 0.5 else -1)
    path = skia.Path()
    path.moveTo(-4, top)
    path.lineTo(w + 4, top)
    path.lineTo(w + 4, low - sway)
    path.cubicTo(0.66 * w, low - 0.4 * sway, 0.4 * w, low + 1.3 * sway, -4, low + sway)
    path.close()
    return path


def _river(st: Stage, horizon: float, x: float, rng: np.random.Generator) -> skia.Path:
    deep, w, u = st.height - horizon, st.width, st.unit
    bend = 0.12 * w * (1 if rng.random() < 0.5 else -1)
    spine = [
        (x * w + 0.9 * bend, 0.0, 0.008),
        (x * w + 1.05 * bend, 0.07, 0.022),
        (x * w + 0.75 * bend, 0.17, 0.06),
        (x * w, 0.36, 0.13),
        (x * w, 0.6, 0.22),
        (x * w + 0.2 * bend, 0.8, 0.27),
        (x * w + 0.3 * bend, 1.15, 0.36),
        (x * w + 0.3 * bend, 1.3, 0.4),
    ]
    left = [(cx - wide * u, horizon + k * deep) for cx, k, wide in spine]
    right = [(cx + wide * u, horizon + k * deep) for cx, k, wide in spine]
    return blob([left[0], *left, left[-1], right[-1], *reversed(right), right[0]])


def paint_water(
    st: Stage, place: str, path: skia.Path, horizon: float, rng: np.random.Generator
) -> None:
    """Fill `path` with the upside-down picture of what stands above its far edge, in ripples."""
    top = round(horizon + SHORE[place] * (st.height - horizon))
    with st.being("water"):
        st.fill(path, st.colour(_WATER), UP)
    mirror = _mirror(st, top, place)
    st.canvas.save()
    st.canvas.clipPath(path, skia.ClipOp.kIntersect, True)
    st.canvas.drawImage(skia.Image.fromarray(mirror, skia.kRGBA_8888_ColorType), 0, top)
    _paint_ripples(st, top, place, rng)
    if st.light.disc:
        _paint_glitter(st, top, horizon, rng)
    st.canvas.restore()


def water_colour(st: Stage) -> RGB:
    """What things reflected in the water are drawn towards."""
    return mix(st.light.on(_WATER), st.light.sky[1], 0.35)


def _mirror(st: Stage, top: int, place: str) -> np.ndarray:
    calm = place in ("lake", "river")
    clearance = 0.14 if place == "river" else 0.0
    rows = np.arange(st.height - top)
    line = round((st.pen.width + clearance) * st.unit) + 1
    source = np.clip(
        top - line - (rows * (1.0 if calm else _STEEPNESS)).astype(int), 0, max(top - 1, 0)
    )
    depth = rows / max(len(rows), 1)
    amount = (0.004 if calm else 0.008) * st.unit * (0.3 + depth)
    shift = np.round(amount * np.sin(rows / (0.012 * st.unit) * (1.2 - 0.5 * depth))).astype(int)
    columns = np.clip(np.arange(st.width)[None] + shift[:, None], 0, st.width - 1)
    above = st.pixels[source[:, None], columns, :3].astype(np.float32)
    tone = st.pen.tone or (lambda rgb: rgb)
    own = np.array(tone(st.light.on(_WATER)), np.float32)
    share = ({"lake": 0.2, "river": 0.42}.get(place, 0.58) + 0.36 * depth)[:, None, None]
    out = np.full((*above.shape[:2], 4), 255, np.uint8)
    out[..., :3] = (above + (own - above) * share.astype(np.float32)).astype(np.uint8)
    return out


def _paint_ripples(st: Stage, top: int, place: str, rng: np.random.Generator) -> None:
    deep, u = st.height - top, st.unit
    light = st.colour(mix(st.light.sky[1], (255, 255, 255), 0.35), lit=False, alpha=95)
    dark = st.colour(mix(st.light.on(_WATER), (0, 0, 0), 0.25), lit=False, alpha=70)
    for i, (x, k) in enumerate(rng.random((int(16 * st.width / u), 2))):
        y, s = top + (0.04 + 0.96 * k) * deep, 0.02 + 0.06 * k
        px = x * st.width
        wave = [(px - s * u, y), (px - 0.3 * s * u, y - 0.06 * s * u), (px + s * u, y)]
        st.mark(wave, (0.005 + 0.006 * k) * u, light if i % 2 else dark)


def _paint_glitter(st: Stage, top: int, horizon: float, rng: np.random.Generator) -> None:
    assert st.light.disc
    x, y, r = sun_at(st, horizon)
    colour = st.colour(st.light.disc[0], lit=False, alpha=190)
    flat = 1.0 if top > horizon + 1 else _STEEPNESS
    image = top + (top - y) / flat
    soft = st.colour(st.light.disc[0], lit=False, alpha=140)
    st.shade(oval(x, image, 1.06 * r, 1.06 * r / flat), soft)
    dashes = []
    for k in np.linspace(0.02, 0.8, 11):
        py = top + k * (st.height - top)
        wide = (0.05 + 0.05 * np.sin(9 * k)) * (1 - 0.6 * k) * st.unit
        px = x + rng.uniform(-0.02, 0.02) * st.unit
        thick = (0.004 + 0.006 * k) * st.unit
        dashes.append(
            skia.Path.RRect(skia.Rect(px - wide, py - thick, px + wide, py + thick), thick, thick)
        )
    st.shade(union(dashes), colour)
