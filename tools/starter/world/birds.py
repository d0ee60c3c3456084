"""Birds in flight, built on their joints. Lengths as in people.py."""

from collections.abc import Sequence
from math import nan

from tools.starter.world.shapes import blob, disc, polygon
from tools.starter.world.stage import Point, Stage
from tools.starter.world.vocabulary import RGB


def bird(st: Stage, colour: RGB, variant: float) -> None:
    """A bird on the wing, facing right; `variant` says how high its wings are."""
    lift = 0.5 + 0.5 * variant
    coat, dim = st.colour(colour), st.colour(colour, 0.7 if max(colour) > 80 else 1.6)
    nose, eye, neck = (0.118, -0.012), (0.078, -0.024), (0.05, -0.012)
    tail = ((-0.06, 0.004), (-0.125, 0.01))
    far = [(0.03, -0.02), (0.052, -0.07 * lift - 0.02), (0.05, -0.15 * lift - 0.02)]
    near = [(0.01, -0.012), (-0.03, -0.085 * lift - 0.01), (-0.09, -0.15 * lift - 0.01)]
    _wing(st, far, 0.042, dim)
    st.fill(
        polygon((-0.04, -0.012), (-0.135, -0.012), (-0.125, 0.012), (-0.14, 0.03), (-0.04, 0.014)),
        dim,
    )
    st.fill(
        blob(
            [
                (-0.085, 0.004),
                (-0.03, -0.03),
                (0.05, -0.034),
                (0.082, 0.0),
                (0.03, 0.034),
                (-0.03, 0.026),
            ]
        ),
        coat,
        round=True,
    )
    st.fill(
        polygon((0.09, -0.032), (0.128, -0.01), (0.09, -0.002)),
        st.colour((246, 166, 50) if colour[0] < 230 or colour[1] > 225 else (226, 110, 40)),
    )
    st.fill(disc(0.075, -0.018, 0.03), coat, round=True)
    st.shade(
        disc(eye[0] + 0.006, eye[1], 0.0065),
        st.colour((30, 26, 32) if sum(colour) > 200 else (250, 230, 160)),
    )
    _wing(st, near, 0.055, st.colour(colour, 0.86 if max(colour) > 80 else 1.25))
    absent = [(nan, nan)] * 4
    st.note_joints([nose, eye, neck, *tail, *near[1:], *far[1:], *absent])


def _wing(st: Stage, bones: Sequence[Point], wide: float, colour: int) -> None:
    (ax, ay), (bx, by), (cx, cy) = bones
    st.fill(
        blob(
            [
                (ax + 0.6 * wide, ay + 0.006),
                (bx + 0.35 * wide, by - 0.01),
                (cx, cy - 0.012),
                (cx - 0.008, cy + 0.006),
                (bx - 0.7 * wide, by + 0.5 * wide),
                (ax - 0.9 * wide, ay + 0.012),
            ]
        ),
        colour,
    )
