"""Trees, pines, palms and flowers. One function each, about the foot."""

from math import cos, pi, sin

import numpy as np
import skia

from tools.starter.world.light import mix
from tools.starter.world.shapes import blob, disc, oval, polygon, union
from tools.starter.world.stage import Stage
from tools.starter.world.vocabulary import RGB

_BARK: RGB = (112, 78, 54)


def tree(st: Stage, colour: RGB, variant: float) -> None:
    rng = np.random.default_rng((3, int(variant * 2**31)))
    trunk = skia.Path()
    trunk.moveTo(-0.036, 0.004)
    trunk.quadTo(-0.016, -0.05, -0.018, -0.2)
    trunk.lineTo(0.018, -0.2)
    trunk.quadTo(0.016, -0.05, 0.038, 0.004)
    trunk.close()
    st.fill(trunk, st.colour(_BARK))
    lobes = [
        (0.0, -0.29, 0.105),
        (-0.1, -0.235, 0.078),
        (0.1, -0.235, 0.078),
        (-0.065, -0.33, 0.078),
        (0.07, -0.335, 0.076),
    ]
    lobes = [(x * rng.uniform(0.9, 1.1), y + rng.uniform(-0.012, 0.012), r) for x, y, r in lobes]
    crown = union([disc(*lobe) for lobe in lobes])
    st.fill(crown, st.colour(colour, 0.74), round=True)
    s = st.side
    with st.clipped(crown):
        st.shade(
            union([disc(x + 0.022 * s, y - 0.024, 0.92 * r) for x, y, r in lobes]),
            st.colour(colour, 0.97),
        )
        bright = mix(colour, (255, 255, 255), 0.16)
        st.shade(
            union([disc(x + 0.05 * s, y - 0.05, 0.5 * r) for x, y, r in lobes]), st.colour(bright)
        )


def pine(st: Stage, colour: RGB, variant: float) -> None:
    st.fill(
        polygon((-0.02, 0.004), (0.02, 0.004), (0.014, -0.1), (-0.014, -0.1)),
        st.colour(_BARK, 0.85),
    )
    s = st.side
    for i, (low, high, wide) in enumerate(
        ((0.065, 0.22, 0.118), (0.15, 0.31, 0.094), (0.24, 0.42, 0.068))
    ):
        tier = skia.Path()
        tier.moveTo(0, -high)
        tier.quadTo(0.4 * wide, -low - 0.05, wide, -low)
        tier.quadTo(0, -low + 0.03, -wide, -low)
        tier.quadTo(-0.4 * wide, -low - 0.05, 0, -high)
        tier.close()
        st.fill(tier, st.colour(colour, 0.72 + 0.06 * i), round=True)
        half = skia.Path()
        half.moveTo(0, -high)
        half.quadTo(0.4 * wide * s, -low - 0.05, wide * s, -low)
        half.quadTo(0.5 * wide * s, -low + 0.014, 0.08 * s, -low + 0.006)
        half.close()
        with st.clipped(tier):
            st.shade(half, st.colour(colour, 0.98 + 0.05 * i))


def palm(st: Stage, colour: RGB, variant: float) -> None:
    lean = 0.07 * (variant - 0.5) + 0.05
    trunk = skia.Path()
    trunk.moveTo(-0.024, 0.004)
    trunk.quadTo(-0.03, -0.16, lean - 0.014, -0.32)
    trunk.lineTo(lean + 0.014, -0.32)
    trunk.quadTo(0.01, -0.16, 0.028, 0.004)
    trunk.close()
    st.fill(trunk, st.colour((158, 116, 76)))
    top = (lean, -0.325)
    for i, (a, reach) in enumerate(
        ((200, 0.15), (-20, 0.15), (232, 0.16), (-52, 0.16), (165, 0.13), (15, 0.13), (268, 0.12))
    ):
        dx, dy = cos(a * pi / 180), sin(a * pi / 180)
        tip = (top[0] + reach * dx, top[1] + reach * dy + 0.055)
        bow = (top[0] + 0.62 * reach * dx, top[1] + 0.75 * reach * dy - 0.05)
        inner = (top[0] + 0.5 * reach * dx, top[1] + 0.5 * reach * dy + 0.02)
        leaf = skia.Path()
        leaf.moveTo(top[0], top[1] - 0.008)
        leaf.quadTo(bow[0], bow[1], tip[0], tip[1])
        leaf.quadTo(inner[0], inner[1], top[0], top[1] + 0.014)
        leaf.close()
        st.fill(leaf, st.colour(colour, (0.72, 0.72, 0.86, 0.86, 0.95, 0.95, 1.06)[i]))
    st.shade(
        union([disc(lean - 0.013, -0.312, 0.013), disc(lean + 0.013, -0.31, 0.013)]),
        st.colour((110, 74, 46)),
    )


def flower(st: Stage, colour: RGB, variant: float) -> None:
    _bloom(st, -0.075 + 0.02 * variant, 0.72, colour, variant)
    _bloom(st, 0.085 - 0.02 * variant, 0.62, colour, 1 - variant)
    _bloom(st, 0.0, 1.0, colour, variant * 0.7)


def _bloom(st: Stage, x: float, size: float, colour: RGB, variant: float) -> None:
    stem, leaf = st.colour((64, 132, 58)), st.colour((86, 160, 70))
    hx, hy = x + 0.05 * (variant - 0.5), -0.235 * size
    st.limb([(x, 0), ((x + hx) / 2 + 0.004, 0.5 * hy), (hx, hy)], 0.013, stem)
    for side in (-1, 1):
        base = (x, -0.03 * size)
        points = [
            base,
            (x + 0.03 * side, -0.09 * size),
            (x + 0.075 * side, -0.095 * size),
            (x + 0.05 * side, -0.035 * size),
        ]
        st.fill(blob(points), leaf)
    ring, r = 0.043 * size, 0.033 * size
    petals, turn = 5 + int(3 * variant), 6.3 * variant
    spots = [
        (hx + ring * cos(turn + 2 * pi * i / petals), hy + ring * sin(turn + 2 * pi * i / petals))
        for i in range(petals)
    ]
    head = union([disc(px, py, r) for px, py in spots] + [disc(hx, hy, ring)])
    st.fill(head, st.colour(colour, 0.84), round=True)
    st.shade(
        union([disc(px * 0.94 + hx * 0.06, py * 0.94 + hy * 0.06, 0.74 * r) for px, py in spots]),
        st.colour(colour, 1.04),
    )
    core: RGB = (128, 76, 34) if colour[0] > 230 and colour[1] > 180 else (254, 212, 72)
    st.shade(oval(hx, hy, 0.026 * size, 0.024 * size), st.colour(core))
