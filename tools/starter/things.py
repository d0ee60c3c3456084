"""The thing in the middle of a scene: a house, a tree, a boat or a flower, in a named colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tools.starter.paint import Canvas

PAINT = {
    "red": (214, 40, 40),
    "orange": (246, 130, 28),
    "yellow": (252, 214, 44),
    "green": (44, 160, 66),
    "blue": (44, 96, 214),
    "purple": (132, 58, 176),
    "pink": (250, 140, 184),
    "white": (246, 246, 242),
    "black": (42, 40, 46),
}


def paint_thing(c: Canvas) -> None:
    """Paint the scene's thing near the middle, standing on what the ground offers."""
    big = c.image.width
    x = big * c.rng.uniform(0.38, 0.62)
    y = big * c.rng.uniform(0.82, 0.9)
    size = big * c.rng.uniform(0.9, 1.15)
    _prepare_ground(c, x, y, size)
    c.tint = 1 - 0.45 * (1 - c.tint)
    _THING[c.scene.thing](c, x, y, size, np.array(PAINT[c.scene.colour], float))


def _prepare_ground(c: Canvas, x: float, y: float, size: float) -> None:
    """An islet for what stands in the sea, a pond for a boat ashore, else a shadow."""
    wide = size * 0.34
    if c.scene.thing == "boat":
        if c.scene.ground != "sea":
            c.draw.ellipse(
                (x - wide * 1.25, y - size * 0.07, x + wide * 1.25, y + size * 0.1),
                c.lit((86, 160, 210)),
            )
            c.draw.ellipse(
                (x - wide * 1.1, y - size * 0.04, x + wide * 1.1, y + size * 0.085),
                c.lit((60, 128, 192)),
            )
    elif c.scene.ground == "sea":
        c.draw.ellipse(
            (x - wide * 1.2, y - size * 0.06, x + wide * 1.2, y + size * 0.12),
            c.lit((232, 206, 150)),
        )
        c.draw.ellipse(
            (x - wide, y - size * 0.065, x + wide, y + size * 0.07), c.lit((110, 170, 78))
        )
    else:
        shade = {"snow": (176, 194, 226), "desert": (178, 126, 74)}.get(
            c.scene.ground, (44, 96, 44)
        )
        reach = wide * (0.45 if c.scene.thing == "flower" else 0.95)
        c.draw.ellipse(
            (x - reach, y - size * 0.025, x + reach * 1.15, y + size * 0.03), c.lit(shade)
        )


def _house(c: Canvas, x: float, y: float, size: float, paint: np.ndarray) -> None:
    w, h = size * 0.2, size * 0.2
    side = w * 0.75
    flip = 1 if c.rng.random() < 0.5 else -1
    left, right = x - flip * w, x + flip * w * 0.35
    end = right + flip * side
    peak_x, peak = (left + right) / 2, y - h * 1.75
    roof = (120, 62, 48) if c.scene.colour in ("black", "purple", "blue") else (84, 66, 70)
    if c.scene.ground == "snow":
        roof = (236, 242, 252)
    chimney = right + flip * side * 0.55
    c.draw.rectangle((chimney - 9, peak - 12, chimney + 9, y - h), c.lit((130, 92, 80)))
    c.draw.polygon((right, y, end, y - 4, end, y - h, right, y - h), c.lit(paint, 0.74))
    c.draw.polygon((left, y, right, y, right, y - h, peak_x, peak, left, y - h), c.lit(paint))
    eave = flip * 12
    c.draw.polygon(
        (
            peak_x - eave * 0.3,
            peak - 8,
            peak_x + flip * side,
            peak - 2,
            end + eave,
            y - h + 6,
            right + eave,
            y - h + 10,
        ),
        c.lit(roof),
    )
    c.draw.line(
        (left - eave, y - h + 10, peak_x, peak - 4, right + eave, y - h + 10),
        c.lit(roof, 0.85),
        12,
        joint="curve",
    )
    glass = (255, 226, 120) if c.scene.sky in ("night", "sunset") else (190, 226, 244)
    glow = tuple(glass) if c.scene.sky == "night" else c.lit(glass)
    frame = c.lit((250, 246, 236) if c.scene.colour != "white" else (96, 84, 84))
    door = peak_x - flip * w * 0.28
    c.draw.rectangle((door - 15, y - h * 0.56, door + 15, y), c.lit((92, 60, 44)))
    for wx, wy in ((peak_x + flip * w * 0.34, y - h * 0.5), (peak_x, y - h * 1.18)):
        c.draw.rectangle((wx - 17, wy - 17, wx + 17, wy + 17), frame)
        c.draw.rectangle((wx - 12, wy - 12, wx + 12, wy + 12), glow)
    wx = (right + end) / 2
    c.draw.rectangle((wx - 15, y - h * 0.62 - 15, wx + 15, y - h * 0.62 + 15), frame)
    c.draw.rectangle((wx - 10, y - h * 0.62 - 10, wx + 10, y - h * 0.62 + 10), glow)


def _tree(c: Canvas, x: float, y: float, size: float, paint: np.ndarray) -> None:
    trunk = c.lit((112, 76, 50))
    w, top = size * 0.034, y - size * 0.3
    c.draw.polygon((x - w * 1.5, y, x - w * 0.7, top, x + w * 0.7, top, x + w * 1.5, y), trunk)
    c.draw.polygon(
        (x + w * 0.2, y, x + w * 0.1, top, x + w * 0.7, top, x + w * 1.5, y),
        c.lit((112, 76, 50), 0.72),
    )
    lobes = [
        (0.0, -0.36, 0.15),
        (-0.13, -0.29, 0.11),
        (0.13, -0.29, 0.11),
        (-0.07, -0.42, 0.1),
        (0.08, -0.42, 0.1),
    ]
    lift = 38 if c.scene.colour == "black" else 22
    for scale, shift, tone in (
        (1.0, 0.012, paint * 0.72),
        (0.88, -0.008, paint),
        (0.5, -0.04, np.minimum(paint + lift, 255)),
    ):
        for dx, dy, r in lobes:
            cx, cy = x + (dx * scale + shift * -1) * size, y + (dy + shift * 0.8) * size
            cr = r * scale * size
            c.draw.ellipse((cx - cr, cy - cr, cx + cr, cy + cr), c.lit(tone))


def _boat(c: Canvas, x: float, y: float, size: float, paint: np.ndarray) -> None:
    w, h = size * 0.25, size * 0.1
    flip = 1 if c.rng.random() < 0.5 else -1
    mast = x - flip * w * 0.1
    head = y - size * 0.52
    c.draw.line((mast, y - h, mast, head), c.lit((110, 80, 60)), 7)
    c.draw.polygon(
        (
            mast + flip * 6,
            head + 8,
            mast + flip * w * 0.85,
            y - h * 1.35,
            mast + flip * 6,
            y - h * 1.35,
        ),
        c.lit((252, 246, 230)),
    )
    c.draw.polygon(
        (
            mast - flip * 6,
            head + 30,
            mast - flip * w * 0.62,
            y - h * 1.35,
            mast - flip * 6,
            y - h * 1.35,
        ),
        c.lit(paint, 0.92),
    )
    hull = (
        x - w,
        y - h,
        x + w * 1.0,
        y - h,
        x + w * 0.72,
        y + h * 0.25,
        x - w * 0.72,
        y + h * 0.25,
    )
    c.draw.polygon(hull, c.lit(paint))
    c.draw.polygon(
        (
            x - w * 0.83,
            y - h * 0.3,
            x + w * 0.83,
            y - h * 0.3,
            x + w * 0.72,
            y + h * 0.25,
            x - w * 0.72,
            y + h * 0.25,
        ),
        c.lit(paint, 0.72),
    )
    rim = (250, 246, 236) if c.scene.colour != "white" else (150, 110, 80)
    c.draw.line((x - w, y - h, x + w, y - h), c.lit(rim), 7)


def _flower(c: Canvas, x: float, y: float, size: float, paint: np.ndarray) -> None:
    for dx, scale in ((-0.19, 0.55), (0.2, 0.5), (0.0, 1.0)):
        if scale < 1 and c.rng.random() < 0.35:
            continue
        _bloom(c, x + dx * size, y, size * scale * c.rng.uniform(0.95, 1.08), paint)


def _bloom(c: Canvas, x: float, y: float, size: float, paint: np.ndarray) -> None:
    bend = c.rng.uniform(-0.04, 0.04) * size
    hx, hy, stem = x + bend, y - size * 0.4, c.lit((52, 128, 52))
    c.draw.line(
        (x, y, x + bend * 0.3, y - size * 0.2, hx, hy),
        stem,
        max(int(size * 0.024), 5),
        joint="curve",
    )
    for side in (-1, 1):
        lx, ly = x + side * size * 0.02, y - size * 0.1
        c.draw.polygon(
            (
                lx,
                ly,
                lx + side * size * 0.07,
                ly - size * 0.085,
                lx + side * size * 0.15,
                ly - size * 0.08,
                lx + side * size * 0.09,
                ly - size * 0.01,
            ),
            c.lit((76, 160, 66)),
        )
    petals, turn = int(c.rng.integers(6, 9)), c.rng.random() * 6.3
    reach, r = size * 0.092, size * 0.068
    for ring, tone in ((1.12, paint * 0.78), (0.98, paint)):
        for k in range(petals):
            a = turn + 2 * np.pi * k / petals
            px, py = hx + np.cos(a) * reach * ring, hy + np.sin(a) * reach * ring
            c.draw.ellipse((px - r, py - r, px + r, py + r), c.lit(tone))
    core = (120, 70, 30) if c.scene.colour in ("yellow", "orange", "white") else (255, 210, 60)
    r = size * 0.058
    c.draw.ellipse((hx - r, hy - r, hx + r, hy + r), c.lit(core))


_THING = {"house": _house, "tree": _tree, "boat": _boat, "flower": _flower}
