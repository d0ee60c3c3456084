"""Houses, castles, boats and other things made by hand. One function each, about the foot."""

from math import cos, pi, sin

import skia

from tools.starter.world.light import mix
from tools.starter.world.shapes import blob, box, disc, down, glow, oval, polygon, union
from tools.starter.world.stage import Normal, Stage
from tools.starter.world.vocabulary import RGB

_SIDE: Normal = (0.8, 0.0, 0.6)
_ROOF: Normal = (0.3, 0.75, 0.6)
_CREAM: RGB = (250, 244, 228)
_WOOD: RGB = (110, 74, 52)


def _window(st: Stage, x: float, y: float, w: float, h: float) -> None:
    st.shade(box(x - w - 0.006, y - h - 0.006, x + w + 0.006, y + h + 0.006), st.colour(_CREAM))
    glass = (
        st.colour((255, 214, 104), lit=False) if st.light.glowing else st.colour((112, 168, 208))
    )
    st.shade(box(x - w, y - h, x + w, y + h), glass)


def _sides(st: Stage, colour: RGB) -> tuple[int, int]:
    """The colours of a front and of the wall to the right of it, by where the light stands."""
    bright, dim = (0.86, 1.04) if st.side > 0 else (1.04, 0.72)
    return st.colour(colour, bright), st.colour(colour, dim)


def house(st: Stage, colour: RGB, variant: float) -> None:
    w, h, deep = 0.075, 0.125, 0.2
    front, side = _sides(st, colour)
    roof: RGB = (92, 70, 74) if colour[0] > 150 or colour[1] > 150 else (164, 96, 72)
    peak = h + 0.105
    st.fill(box(0.1, -peak - 0.035, 0.135, -h - 0.02), st.colour(mix(roof, (60, 44, 44), 0.4)))
    st.fill(polygon((0.0, 0), (deep, -0.004), (deep, -h), (0.0, -h)), side, _SIDE)
    st.fill(polygon((-2 * w, 0), (0, 0), (0, -h), (-w, -peak), (-2 * w, -h)), front)
    eave = 0.022
    slab = [(-w, -peak - 0.014), (deep - w + 0.02, -peak - 0.008)]
    slab += [(deep + eave, -h + 0.012), (eave, -h + 0.016)]
    st.fill(polygon(*slab), st.colour(roof, 1.0 if st.side < 0 else 1.15), _ROOF)
    rim = [(-2 * w - eave, -h + 0.016), (-w, -peak - 0.012), (eave, -h + 0.016)]
    st.limb(rim, 0.014, st.colour(roof, 0.8))
    door = -1.45 * w
    st.shade(
        box(door - 0.018, -0.072, door + 0.018, 0),
        st.colour(_WOOD if colour[0] > 90 else (196, 150, 104)),
    )
    _window(st, -0.55 * w, -0.068, 0.017, 0.019)
    if variant < 0.5:
        _window(st, -w, -h - 0.028, 0.014, 0.015)
    _window(st, 0.06, -0.068, 0.017, 0.019)
    _window(st, 0.14, -0.068, 0.017, 0.019)


def castle(st: Stage, colour: RGB, variant: float) -> None:
    front, side = _sides(st, colour)
    roof = st.colour((104, 84, 132) if colour[2] < colour[0] + 20 else (188, 92, 74))
    for x, wide, tall in ((-0.05, 0.036, 0.3), (0.07, 0.03, 0.26)):
        _tower(st, x, wide, tall, side, roof)
    _battlement(st, -0.13, 0.14, 0.13, front)
    for x in (-0.145, 0.155):
        _tower(st, x, 0.036, 0.2, front, roof)
    gate = union([box(-0.026, -0.05, 0.034, 0), disc(0.004, -0.05, 0.03)])
    st.shade(gate, st.colour((64, 48, 48)))
    for x, y in ((-0.145, -0.15), (0.155, -0.15), (-0.05, -0.25), (0.07, -0.215)):
        _slit(st, x, y)


def _tower(st: Stage, x: float, wide: float, tall: float, wall: int, roof: int) -> None:
    st.fill(box(x - wide, -tall, x + wide, 0), wall)
    shade = st.colour((20, 20, 50), alpha=46)
    st.shade(box(*((x - wide, -tall, x, 0) if st.side > 0 else (x, -tall, x + wide, 0))), shade)
    tip = -tall - 2.6 * wide
    st.fill(
        polygon((x - 1.35 * wide, -tall + 0.004), (x, tip), (x + 1.35 * wide, -tall + 0.004)), roof
    )


def _battlement(st: Stage, left: float, right: float, tall: float, wall: int) -> None:
    step = (right - left) / 9
    points = [(left, 0.0), (left, -tall)]
    for i in range(9):
        y = -tall - (0.024 if i % 2 == 0 else 0)
        points += [(left + i * step, y), (left + (i + 1) * step, y)]
    st.fill(polygon(*points, (right, -tall), (right, 0)), wall)


def _slit(st: Stage, x: float, y: float) -> None:
    glass = st.colour((255, 214, 104), lit=False) if st.light.glowing else st.colour((52, 48, 66))
    st.shade(box(x - 0.009, y - 0.02, x + 0.009, y + 0.014), glass)


def lighthouse(st: Stage, colour: RGB, variant: float) -> None:
    main = st.colour(colour)
    band = st.colour(_CREAM if min(colour) < 200 else (120, 132, 150))
    if st.light.glowing:
        beam = st.colour((255, 236, 160), lit=False, alpha=130)
        st.shade(polygon((0, -0.4), (0.6, -0.5), (0.6, -0.36)), beam, glow(0, -0.4, 0.6, beam))
    st.fill(polygon((-0.062, 0), (0.062, 0), (0.04, -0.35), (-0.04, -0.35)), main)
    for low, high in ((0.07, 0.14), (0.21, 0.28)):
        a, b = 0.062 - 0.063 * low, 0.062 - 0.063 * high
        st.shade(polygon((-a, -low), (a, -low), (b, -high), (-b, -high)), band)
    dim = st.colour((10, 14, 50), alpha=60)
    s = -st.side
    st.shade(polygon((s * 0.02, 0), (s * 0.062, 0), (s * 0.04, -0.35), (s * 0.012, -0.35)), dim)
    st.fill(box(-0.056, -0.366, 0.056, -0.348), st.colour((70, 72, 88)))
    lamp = st.colour((255, 232, 130), lit=not st.light.glowing)
    st.fill(box(-0.032, -0.42, 0.032, -0.366), lamp)
    st.fill(polygon((-0.046, -0.418), (0, -0.47), (0.046, -0.418)), main)
    st.shade(box(-0.017, -0.052, 0.017, 0), st.colour((70, 56, 56)))


def windmill(st: Stage, colour: RGB, variant: float) -> None:
    st.fill(polygon((-0.085, 0), (0.085, 0), (0.052, -0.24), (-0.052, -0.24)), st.colour(colour))
    dim = st.colour((10, 14, 50), alpha=56)
    s = -st.side
    st.shade(polygon((s * 0.02, 0), (s * 0.085, 0), (s * 0.052, -0.24), (s * 0.012, -0.24)), dim)
    cap = st.colour((104, 76, 66) if colour[0] > 100 else (206, 170, 120))
    st.fill(blob([(-0.065, -0.232), (-0.05, -0.31), (0.05, -0.31), (0.065, -0.232)]), cap)
    st.shade(box(-0.02, -0.06, 0.02, 0), st.colour((76, 56, 48)))
    _window(st, 0.0, -0.14, 0.015, 0.017)
    cloth, spar = st.colour((250, 244, 230)), st.colour((92, 70, 58))
    turn = variant * pi / 2
    for i in range(4):
        a = turn + i * pi / 2
        dx, dy = cos(a), sin(a)
        near, far, wide = 0.05, 0.18, 0.042
        hub = (0.0, -0.27)
        p = (hub[0] + near * dx, hub[1] + near * dy)
        q = (hub[0] + far * dx, hub[1] + far * dy)
        sail = polygon(
            p, q, (q[0] - wide * dy, q[1] + wide * dx), (p[0] - wide * dy, p[1] + wide * dx)
        )
        st.fill(sail, cloth)
        st.limb([hub, q], 0.011, spar)


def boat(st: Stage, colour: RGB, variant: float) -> None:
    mast = 0.01
    st.limb([(mast, -0.05), (mast, -0.36)], 0.011, st.colour(_WOOD))
    sail = st.colour((252, 246, 230), 1.0 if st.side > 0 else 0.9)
    st.fill(blob_sail(mast + 0.012, -0.35, 0.14, -0.075), sail)
    jib = st.colour(colour, 0.92)
    st.fill(polygon((mast - 0.012, -0.31), (mast - 0.012, -0.075), (-0.105, -0.075)), jib)
    hull = skia.Path()
    hull.moveTo(-0.17, -0.062)
    hull.lineTo(0.175, -0.07)
    hull.quadTo(0.155, 0.012, 0.1, 0.016)
    hull.lineTo(-0.1, 0.016)
    hull.quadTo(-0.14, 0.0, -0.17, -0.062)
    hull.close()
    st.fill(hull, st.colour(colour))
    with st.clipped(hull):
        st.shade(box(-0.2, -0.014, 0.2, 0.03), st.colour(colour, 0.72))
        st.shade(
            box(-0.2, -0.075, 0.2, -0.05),
            st.colour(_CREAM if min(colour) < 200 else (150, 120, 96)),
        )


def blob_sail(x: float, top: float, wide: float, low: float) -> skia.Path:
    """A sail filled by the wind, its mast at `x`."""
    path = skia.Path()
    path.moveTo(x, top)
    path.quadTo(x + 0.9 * wide, 0.45 * top + 0.55 * low, x + wide, low)
    path.lineTo(x, low)
    path.close()
    return path


def bridge(st: Stage, colour: RGB, variant: float) -> None:
    wide, rise, thick = 0.25, 0.12, 0.055
    path = skia.Path()
    path.moveTo(-wide, 0.012)
    path.cubicTo(-0.5 * wide, -1.15 * rise, 0.5 * wide, -1.15 * rise, wide, 0.012)
    path.lineTo(wide, 0.012 + thick)
    path.lineTo(0.66 * wide, 0.012 + thick)
    path.cubicTo(0.42 * wide, -0.55 * rise, -0.42 * wide, -0.55 * rise, -0.66 * wide, 0.012 + thick)
    path.lineTo(-wide, 0.012 + thick)
    path.close()
    st.fill(path, st.colour(colour), shader=None)
    rail = st.colour(colour, 0.8 if max(colour) > 80 else 1.5)
    posts = []
    for i in range(7):
        t = i / 6
        x = wide * (1.8 * t - 0.9)
        y = 0.012 - 3.45 * rise * t * (1 - t)
        if 0 < i < 6:
            y = -rise * 0.86 * (1 - (x / wide) ** 2) + 0.012
        posts.append((x, y - 0.05))
        st.limb([(x, y), (x, y - 0.05)], 0.014, rail)
    st.limb(posts, 0.013, rail)


def car(st: Stage, colour: RGB, variant: float) -> None:
    tyre, hub = st.colour((40, 40, 46)), st.colour((214, 216, 222))
    cabin = skia.Path()
    cabin.moveTo(-0.098, -0.085)
    cabin.cubicTo(-0.08, -0.165, -0.06, -0.162, -0.02, -0.162)
    cabin.cubicTo(0.04, -0.162, 0.05, -0.15, 0.088, -0.085)
    cabin.close()
    st.fill(cabin, st.colour(colour, 0.9))
    glass = (
        st.colour((255, 220, 130), lit=False) if st.light.glowing else st.colour((186, 220, 240))
    )
    st.shade(polygon((-0.075, -0.09), (-0.058, -0.145), (-0.016, -0.145), (-0.016, -0.09)), glass)
    st.shade(polygon((0.0, -0.09), (0.0, -0.145), (0.032, -0.142), (0.064, -0.09)), glass)
    body = skia.Path.RRect(skia.Rect(-0.16, -0.096, 0.16, -0.026), 0.03, 0.03)
    st.fill(body, st.colour(colour))
    st.shade(
        skia.Path.RRect(skia.Rect(-0.158, -0.05, 0.158, -0.026), 0.014, 0.014),
        st.colour(colour, 0.74),
    )
    lamp = st.colour((255, 240, 170), lit=not st.light.glowing)
    st.shade(oval(0.148, -0.07, 0.012, 0.014), lamp)
    for x in (-0.092, 0.092):
        st.fill(disc(x, -0.034, 0.036), tyre)
        st.shade(disc(x, -0.034, 0.016), hub)


def balloon(st: Stage, colour: RGB, variant: float) -> None:
    basket = st.colour((150, 104, 66))
    for x in (-1, 1):
        st.mark([(0.022 * x, -0.045), (0.055 * x, -0.125)], 0.006, st.colour((96, 76, 60)))
    st.fill(skia.Path.RRect(skia.Rect(-0.028, -0.05, 0.028, 0), 0.008, 0.008), basket)
    envelope = skia.Path()
    envelope.moveTo(-0.042, -0.115)
    envelope.cubicTo(-0.1, -0.18, -0.145, -0.21, -0.145, -0.29)
    envelope.cubicTo(-0.145, -0.47, 0.145, -0.47, 0.145, -0.29)
    envelope.cubicTo(0.145, -0.21, 0.1, -0.18, 0.042, -0.115)
    envelope.close()
    st.fill(envelope, st.colour(colour, 1.03 if not st.light.glowing else 1.2), round=True)
    band = st.colour(_CREAM if min(colour) < 200 else (132, 146, 172), alpha=215)
    with st.clipped(envelope):
        for x, w in ((-0.082, 0.02), (0.0, 0.026), (0.082, 0.02)):
            st.shade(oval(x * 1.0, -0.27, w, 0.18), band)
        dim = st.colour((20, 10, 60), alpha=52)
        st.shade(
            blob(
                [
                    (-st.side * 0.03, -0.1),
                    (-st.side * 0.2, -0.1),
                    (-st.side * 0.2, -0.46),
                    (-st.side * 0.06, -0.46),
                    (-st.side * 0.1, -0.28),
                ]
            ),
            dim,
        )
    st.shade(box(-0.042, -0.122, 0.042, -0.113), st.colour(colour, 0.7))


def rock(st: Stage) -> None:
    """The islet under what stands in the sea."""
    w = 0.25
    stone = st.colour((126, 122, 122))
    outline = [
        (-1.15 * w, 0.05), (-1.0 * w, 0.0), (-0.62 * w, -0.02), (0.0, -0.026), (0.6 * w, -0.022),
        (0.95 * w, 0.0), (1.18 * w, 0.05), (0.5 * w, 0.062), (-0.5 * w, 0.062),
    ]  # fmt: skip
    shader = down(-0.02, 0.06, st.colour((178, 168, 146)), st.colour((92, 88, 98)))
    st.fill(blob(outline), stone, (0.0, 0.7, 0.7), shader=shader)
    grass = [
        (-0.95 * w, 0.006),
        (-0.6 * w, -0.022),
        (0.6 * w, -0.024),
        (0.9 * w, 0.004),
        (0.3 * w, 0.022),
        (-0.4 * w, 0.02),
    ]
    st.shade(blob(grass), st.colour((136, 168, 92)))
