"""Animals, built on their joints, seen from the side and facing right. Lengths as in people.py."""

from dataclasses import dataclass

from tools.starter.world.birds import bird
from tools.starter.world.light import mix
from tools.starter.world.shapes import blob, disc, oval, polygon
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
_STRIDES = {
    "standing": ((0.0, 0.0), (0.22, 0.2), (0.0, 0.0), (-0.2, -0.24)),
    "grazing": ((0.0, 0.0), (0.3, 0.3), (0.0, 0.0), (-0.2, -0.24)),
    "walking": ((0.22, 0.3), (-0.1, -0.42), (-0.16, -0.4), (0.16, 0.1)),
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


def _legs(body: Body, pose: str) -> list[tuple[Point, Point, Point]]:
    """Hip, knee, foot of front near, front far, hind near, hind far."""
    tall = body.belly
    out = []
    for i, (knee, foot) in enumerate(_STRIDES[pose]):
        x = (1 if i < 2 else -1) * (body.half - 0.6 * body.leg)
        lift = 0.25 * tall if pose == "running" and i % 2 else 0.0
        up = 0.16 * tall if pose == "running" else 0.0
        bend = 0.012 if i >= 2 else 0.004
        hip = (x, -tall - 0.25 * (body.back - body.belly) - up)
        out.append(
            (
                hip,
                (x + 0.5 * knee * tall + bend * (-1 if i >= 2 else 1), -0.52 * tall - up),
                (x + 0.8 * foot * tall, -0.012 - up - lift),
            )
        )
    return out


def _neck_and_head(kind: str, body: Body, pose: str, up: float) -> tuple[Point, Point, Point]:
    """The neck's base, the middle of the head, the nose."""
    base = (body.half - 0.2 * body.neck, -body.back + 0.35 * body.neck - up)
    if pose == "grazing":
        head = (base[0] + 0.085, -0.06)
        return base, head, (head[0] + 0.02, -0.016)
    reach = {
        "cat": (0.03, 0.035),
        "dog": (0.03, 0.05),
        "horse": (0.07, 0.095),
        "cow": (0.07, 0.02),
    }[kind]
    head = (base[0] + reach[0], base[1] - reach[1])
    return (
        base,
        head,
        (
            head[0] + body.head[0] * 0.6 + body.muzzle,
            head[1] + 0.4 * body.head[1] + (0.02 if kind in ("horse", "cow") else 0),
        ),
    )


def _four_legged(st: Stage, kind: str, colour: RGB, pose: str) -> None:
    body = _BODIES[kind]
    legs = _legs(body, pose)
    up = 0.16 * body.belly if pose == "running" else 0.0
    coat, dim = st.colour(colour), st.colour(colour, 0.7 if max(colour) > 80 else 1.5)
    for leg in (legs[1], legs[3]):
        st.limb(leg, body.leg, dim)
    tail = _tail(st, kind, body, colour, pose, up)
    top, low = -body.back - up, -body.belly - up
    h = body.half + 0.4 * body.leg
    st.fill(
        blob(
            [
                (-h, top + 0.01),
                (-0.5 * h, top - 0.012),
                (0.4 * h, top),
                (h, top - 0.004),
                (h * 1.1, (top + low) / 2),
                (0.7 * h, low + 0.008),
                (-0.2 * h, low - 0.006),
                (-0.9 * h, low),
                (-1.15 * h, (top + low) / 2),
            ]
        ),
        coat,
        round=True,
    )
    for leg in (legs[0], legs[2]):
        st.limb(leg, body.leg, coat)
        st.mark(
            [leg[2], (leg[2][0] + 0.006, leg[2][1])],
            0.9 * body.leg,
            st.colour((54, 46, 46) if kind in ("horse", "cow") else colour),
        )
    base, head, nose = _neck_and_head(kind, body, pose, up)
    st.limb([(base[0] - 0.3 * body.neck, base[1] + 0.3 * body.neck), base, head], body.neck, coat)
    if kind == "cow":
        _patches(st, body, colour, up)
    eye = _head(st, kind, body, colour, head, nose)
    if kind == "horse":
        mane = st.colour(mix(colour, (30, 24, 30), 0.62) if max(colour) > 80 else (110, 100, 104))
        dx, dy = (0.026, -0.016) if pose == "grazing" else (-0.034, -0.014)
        crest = [base, ((base[0] + head[0]) / 2, (base[1] + head[1]) / 2), head]
        st.mark([(x + dx, y + dy) for x, y in crest], 0.02, mane)
    joints = [nose, eye, base, *tail]
    for leg in legs:
        joints += leg[1:]
    st.note_joints(joints)


def _tail(
    st: Stage, kind: str, body: Body, colour: RGB, pose: str, up: float
) -> tuple[Point, Point]:
    x, y = -body.half - 0.3 * body.leg, -body.back + 0.016 - up
    if kind == "cat":
        points = [(x, y), (x - 0.045, y - 0.01), (x - 0.062, y - 0.06), (x - 0.048, y - 0.095)]
        st.limb(points, 0.017, st.colour(colour, 0.92), curved=True)
    elif kind == "dog":
        points = [(x, y), (x - 0.035, y - 0.03), (x - 0.042, y - 0.07)]
        st.limb(points, 0.018, st.colour(colour, 0.92), curved=True)
    elif kind == "horse":
        swing = -0.06 if pose == "running" else 0.0
        points = [(x, y), (x - 0.03 + swing, y + 0.03), (x - 0.03 + 1.2 * swing, y + 0.115 + swing)]
        st.limb(
            points,
            0.026,
            st.colour(mix(colour, (30, 24, 30), 0.62) if max(colour) > 80 else (110, 100, 104)),
        )
    else:
        points = [(x, y), (x - 0.016, y + 0.03), (x - 0.014, y + 0.1)]
        st.limb(points, 0.012, st.colour(colour, 0.8))
    return points[0], points[-1]


def _head(st: Stage, kind: str, body: Body, colour: RGB, head: Point, nose: Point) -> Point:
    coat, dim = st.colour(colour), st.colour(colour, 0.72 if max(colour) > 80 else 1.5)
    (x, y), (rx, ry) = head, body.head
    if kind == "cat":
        for ear in (-0.022, 0.018):
            st.fill(
                polygon(
                    (x + ear - 0.014, y - 0.016),
                    (x + ear + 0.002, y - 0.056),
                    (x + ear + 0.016, y - 0.016),
                ),
                coat,
            )
        st.fill(oval(x, y, rx, ry), coat, round=True)
    elif kind == "dog":
        st.limb([(x, y), nose], 0.026, coat)
        st.fill(oval(x, y, rx, ry), coat, round=True)
        st.fill(
            blob(
                [
                    (x - 0.03, y - 0.022),
                    (x - 0.002, y - 0.026),
                    (x - 0.004, y + 0.03),
                    (x - 0.036, y + 0.034),
                ]
            ),
            dim,
        )
    else:
        for ear in (-0.018, 0.002):
            st.fill(
                polygon(
                    (x + ear - 0.01, y - 0.016),
                    (x + ear - (0.0 if kind == "horse" else 0.03), y - 0.05),
                    (x + ear + 0.012, y - 0.014),
                ),
                coat,
            )
        st.limb([(x - 0.012, y - 0.004), nose], 2 * ry * 0.86, coat)
        snout = (250, 226, 206) if kind == "cow" else colour
        st.fill(
            disc(nose[0], nose[1], 0.86 * ry), st.colour(snout, 0.9 if kind == "horse" else 1.0)
        )
    eye = (x + 0.012, y - 0.006)
    dark = sum(colour) < 200
    st.shade(disc(eye[0], eye[1], 0.0062), st.colour((250, 226, 140) if dark else (34, 28, 34)))
    if kind in ("dog", "cat"):
        st.shade(
            disc(nose[0] + 0.004, nose[1] - 0.002, 0.0085),
            st.colour((40, 32, 36) if not dark else (216, 160, 160)),
        )
    return eye


def _patches(st: Stage, body: Body, colour: RGB, up: float) -> None:
    """A cow's spots: pale on dark coats, dark on white ones."""
    spot = st.colour((244, 240, 232) if max(colour) < 200 else (74, 64, 66))
    y = -(body.back + body.belly) / 2 - up
    st.shade(
        blob(
            [
                (-0.07, y - 0.045),
                (-0.02, y - 0.042),
                (-0.012, y),
                (-0.05, y + 0.016),
                (-0.08, y - 0.01),
            ]
        ),
        spot,
    )
    st.shade(
        blob([(0.04, y - 0.015), (0.085, y - 0.03), (0.09, y + 0.02), (0.05, y + 0.035)]), spot
    )


def _sitting(st: Stage, kind: str, colour: RGB) -> None:
    cat = kind == "cat"
    body = _BODIES[kind]
    coat, dim = st.colour(colour), st.colour(colour, 0.8 if max(colour) > 80 else 1.5)
    neck = (0.03, -0.125) if cat else (0.03, -0.145)
    head = (0.045, -0.158) if cat else (0.046, -0.19)
    nose = (head[0] + 0.6 * body.head[0] + body.muzzle, head[1] + 0.012)
    tail = (
        [(-0.055, -0.016), (-0.1, -0.01), (-0.118, -0.045)]
        if cat
        else [(-0.06, -0.02), (-0.1, -0.03), (-0.115, -0.06)]
    )
    st.limb(tail, 0.018, dim, curved=True)
    far_front = [neck, (0.056, -0.06), (0.06, -0.012)]
    st.limb(far_front, body.leg, dim)
    st.fill(
        blob(
            [
                (-0.075, 0.002),
                (-0.082, -0.05),
                (-0.03, -0.115),
                (0.02, neck[1] - 0.02),
                (0.062, neck[1] + 0.008),
                (0.056, -0.06),
                (0.03, 0.0),
            ]
        ),
        coat,
        round=True,
    )
    haunch = [(-0.03, -0.045), (0.0, -0.03), (0.008, -0.011)]
    st.shade(oval(-0.035, -0.036, 0.036, 0.036), dim)
    st.limb([(-0.03, -0.012), (0.012, -0.011)], body.leg, coat)
    near_front = [(0.034, -0.09), (0.037, -0.05), (0.04, -0.011)]
    st.limb(near_front, body.leg, coat)
    st.limb([(0.02, -0.1), neck, head], body.neck, coat)
    eye = _head(st, kind, body, colour, head, nose)
    st.note_joints(
        [
            nose,
            eye,
            neck,
            tail[0],
            tail[-1],
            *near_front[1:],
            *far_front[1:],
            *haunch[1:],
            *haunch[1:],
        ]
    )
