"""Animals, built on their joints, seen from the side and facing right. Lengths as in people.py."""

from dataclasses import dataclass

from tools.starter.world.birds import bird
from tools.starter.world.heads import head
from tools.starter.world.light import mix
from tools.starter.world.shapes import blob, oval
from tools.starter.world.stage import Point, Stage
from tools.starter.world.vocabulary import RGB


@dataclass(frozen=True)
class Body:
    """Measures of a four-legged animal: heights of back and belly, half-length, thicknesses."""

    back: float
    belly: float
    half: float
    leg: float
    neck: float
    head: tuple[float, float]
    muzzle: float


_BODIES = {
    "cat": Body(0.112, 0.055, 0.062, 0.021, 0.036, (0.036, 0.032), 0.014),
    "dog": Body(0.14, 0.072, 0.078, 0.023, 0.042, (0.036, 0.031), 0.034),
    "horse": Body(0.235, 0.125, 0.115, 0.026, 0.062, (0.05, 0.03), 0.038),
    "cow": Body(0.205, 0.088, 0.128, 0.03, 0.064, (0.046, 0.036), 0.03),
}
_REACH = {"cat": (0.03, 0.035), "dog": (0.03, 0.05), "horse": (0.07, 0.095), "cow": (0.07, 0.02)}
"""From the neck's base to the middle of the head: forward and up."""
_STRIDES = {
    "standing": ((0.0, 0.0), (0.22, 0.2), (0.0, 0.0), (-0.2, -0.24)),
    "grazing": ((0.0, 0.0), (0.3, 0.3), (0.0, 0.0), (-0.2, -0.24)),
    "running": ((0.6, 1.05), (0.45, 0.6), (-0.45, -1.05), (-0.35, -0.6)),
}
"""How far forward knee and foot are, in leg lengths: front near, front far, hind near, hind far."""


def animal(st: Stage, kind: str, colour: RGB, variant: float, pose: str) -> None:
    """An animal about its foot, in `colour`."""
    if kind == "bird":
        bird(st, colour, variant)
    elif pose == "sitting":
        _sitting(st, kind, colour)
    else:
        _four_legged(st, kind, colour, pose)


def _four_legged(st: Stage, kind: str, colour: RGB, pose: str) -> None:
    body, up = _BODIES[kind], 0.0
    if pose == "running":
        up = 0.16 * body.belly
    legs = _legs(body, pose, up)
    coat, dim = st.colour(colour), st.colour(colour, 0.7 if max(colour) > 80 else 1.5)
    for leg in (legs[1], legs[3]):
        st.limb(leg, body.leg, dim)
    tail = _tail(st, kind, body, colour, pose, up)
    _trunk(st, body, coat, up)
    foot = st.colour((54, 46, 46) if kind in ("horse", "cow") else colour)
    for leg in (legs[0], legs[2]):
        st.limb(leg, body.leg, coat)
        st.mark([leg[2], (leg[2][0] + 0.006, leg[2][1])], 0.9 * body.leg, foot)
    neck, at, nose = _neck_and_head(kind, body, pose, up)
    inside = (neck[0] - 0.3 * body.neck, neck[1] + 0.3 * body.neck)
    st.limb([inside, neck, at], body.neck, coat)
    if kind == "cow":
        _patches(st, body, colour)
    eye = head(st, kind, colour, body.head, at, nose)
    if kind == "horse":
        dx, dy = (0.026, -0.016) if pose == "grazing" else (-0.034, -0.014)
        crest = [neck, ((neck[0] + at[0]) / 2, (neck[1] + at[1]) / 2), at]
        st.mark([(x + dx, y + dy) for x, y in crest], 0.02, _mane(st, colour))
    st.note_joints([nose, eye, neck, *tail, *(joint for leg in legs for joint in leg[1:])])


def _legs(body: Body, pose: str, up: float) -> list[tuple[Point, Point, Point]]:
    """Hip, knee, foot of front near, front far, hind near, hind far; the body is lifted by `up`."""
    tall, out = body.belly, []
    for i, (knee, foot) in enumerate(_STRIDES[pose]):
        side, bend = (1, 0.004) if i < 2 else (-1, -0.012)
        x = side * (body.half - 0.6 * body.leg)
        lift = 0.25 * tall if pose == "running" and i % 2 else 0.0
        hip = (x, -tall - 0.25 * (body.back - body.belly) - up)
        middle = (x + 0.5 * knee * tall + bend, -0.52 * tall - up)
        out.append((hip, middle, (x + 0.8 * foot * tall, -0.012 - up - lift)))
    return out


def _trunk(st: Stage, body: Body, coat: int, up: float) -> None:
    top, low, h = -body.back - up, -body.belly - up, body.half + 0.4 * body.leg
    middle = (top + low) / 2
    back = [(-h, top + 0.01), (-0.5 * h, top - 0.012), (0.4 * h, top), (h, top - 0.004)]
    belly = [(0.7 * h, low + 0.008), (-0.2 * h, low - 0.006), (-0.9 * h, low)]
    st.fill(blob([*back, (1.1 * h, middle), *belly, (-1.15 * h, middle)]), coat, round=True)


def _neck_and_head(kind: str, body: Body, pose: str, up: float) -> tuple[Point, Point, Point]:
    """The neck's base, the middle of the head, the nose."""
    x, y = body.half - 0.2 * body.neck, -body.back + 0.35 * body.neck - up
    if pose == "grazing":
        return (x, y), (x + 0.085, -0.06), (x + 0.105, -0.016)
    dx, dy = _REACH[kind]
    droop = 0.4 * body.head[1] + (0.02 if kind in ("horse", "cow") else 0)
    nose = (x + dx + 0.6 * body.head[0] + body.muzzle, y - dy + droop)
    return (x, y), (x + dx, y - dy), nose


def _mane(st: Stage, colour: RGB) -> int:
    return st.colour(mix(colour, (30, 24, 30), 0.62) if max(colour) > 80 else (110, 100, 104))


def _tail(
    st: Stage, kind: str, body: Body, colour: RGB, pose: str, up: float
) -> tuple[Point, Point]:
    x, y = -body.half - 0.3 * body.leg, -body.back + 0.016 - up
    swing = -0.06 if pose == "running" else 0.0
    shape = {
        "cat": [(-0.045, -0.01), (-0.062, -0.06), (-0.048, -0.095)],
        "dog": [(-0.035, -0.03), (-0.042, -0.07)],
        "horse": [(-0.03 + swing, 0.03), (-0.03 + 1.2 * swing, 0.115 + swing)],
        "cow": [(-0.016, 0.03), (-0.014, 0.1)],
    }[kind]
    points = [(x, y), *((x + dx, y + dy) for dx, dy in shape)]
    wide = {"cat": 0.017, "dog": 0.018, "horse": 0.026, "cow": 0.012}[kind]
    hair = _mane(st, colour) if kind == "horse" else st.colour(colour, 0.9)
    st.limb(points, wide, hair, curved=True)
    return points[0], points[-1]


def _patches(st: Stage, body: Body, colour: RGB) -> None:
    """A cow's spots: pale on dark coats, dark on white ones."""
    spot = st.colour((244, 240, 232) if max(colour) < 200 else (74, 64, 66))
    y = -(body.back + body.belly) / 2
    first = [(-0.07, -0.045), (-0.02, -0.042), (-0.012, 0.0), (-0.05, 0.016), (-0.08, -0.01)]
    second = [(0.04, -0.015), (0.085, -0.03), (0.09, 0.02), (0.05, 0.035)]
    for outline in (first, second):
        st.shade(blob([(dx, y + dy) for dx, dy in outline]), spot)


def _sitting(st: Stage, kind: str, colour: RGB) -> None:
    """A cat or a dog on its haunches; its hind legs are one behind the other."""
    body, cat = _BODIES[kind], kind == "cat"
    coat, dim = st.colour(colour), st.colour(colour, 0.8 if max(colour) > 80 else 1.5)
    neck, at = ((0.03, -0.125), (0.045, -0.158)) if cat else ((0.03, -0.145), (0.046, -0.19))
    nose = (at[0] + 0.6 * body.head[0] + body.muzzle, at[1] + 0.012)
    tail = [(-0.06, -0.02), (-0.1, -0.03), (-0.115, -0.06)]
    if cat:
        tail = [(-0.055, -0.016), (-0.1, -0.01), (-0.118, -0.045)]
    far, near = [(0.056, -0.06), (0.06, -0.012)], [(0.037, -0.05), (0.04, -0.011)]
    hind = [(0.0, -0.03), (0.008, -0.011)]
    st.limb(tail, 0.018, dim, curved=True)
    st.limb([neck, *far], body.leg, dim)
    chest = [(0.02, neck[1] - 0.02), (0.062, neck[1] + 0.008), (0.056, -0.06), (0.03, 0.0)]
    trunk = blob([(-0.075, 0.002), (-0.082, -0.05), (-0.03, -0.115), *chest])
    st.fill(trunk, coat, round=True)
    st.shade(oval(-0.035, -0.036, 0.036, 0.036), dim)
    st.limb([(-0.03, -0.012), (0.012, -0.011)], body.leg, coat)
    st.limb([(0.034, -0.09), *near], body.leg, coat)
    st.limb([(0.02, -0.1), neck, at], body.neck, coat)
    eye = head(st, kind, colour, body.head, at, nose)
    st.note_joints([nose, eye, neck, tail[0], tail[-1], *near, *far, *hind, *hind])
