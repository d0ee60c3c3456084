"""People, built on their joints. Local unit: the picture's shorter side; a person stands 0.4 tall.

Joints are in COCO-18 order, as (x, height) of a person 1 tall facing the viewer or, in a side view,
the right: the person's right side is at the viewer's left.
"""

from tools.starter.world.light import mix
from tools.starter.world.shapes import blob, box, disc, oval, polygon
from tools.starter.world.stage import Point, Stage
from tools.starter.world.vocabulary import RGB

TALL = 0.4
_FRONT = [
    (0.0, 0.885), (0.0, 0.79), (-0.085, 0.765), (-0.13, 0.62), (-0.14, 0.48), (0.085, 0.765),
    (0.13, 0.62), (0.14, 0.48), (-0.05, 0.5), (-0.056, 0.27), (-0.06, 0.035), (0.05, 0.5),
    (0.056, 0.27), (0.06, 0.035), (-0.03, 0.91), (0.03, 0.91), (-0.075, 0.9), (0.075, 0.9),
]  # fmt: skip
_WALKING = [
    (0.07, 0.88), (0.01, 0.79), (-0.02, 0.765), (0.09, 0.64), (0.17, 0.53), (0.02, 0.765),
    (-0.09, 0.64), (-0.12, 0.5), (-0.01, 0.5), (-0.055, 0.27), (-0.17, 0.06), (0.01, 0.5),
    (0.11, 0.285), (0.14, 0.035), (0.05, 0.91), (0.06, 0.91), (-0.015, 0.9), (0.0, 0.9),
]  # fmt: skip
_SITTING = [
    (0.05, 0.68), (-0.02, 0.59), (-0.03, 0.565), (0.03, 0.43), (0.13, 0.37), (-0.01, 0.565),
    (0.05, 0.44), (0.15, 0.36), (-0.04, 0.3), (0.15, 0.31), (0.16, 0.035), (-0.03, 0.3),
    (0.19, 0.32), (0.21, 0.035), (0.03, 0.71), (0.04, 0.71), (-0.035, 0.7), (-0.02, 0.7),
]  # fmt: skip
_HAIR: tuple[RGB, ...] = ((58, 42, 38), (104, 66, 42), (168, 92, 48), (214, 170, 96))
_SKIN: tuple[RGB, ...] = ((244, 206, 178), (226, 174, 138), (176, 122, 86), (126, 84, 60))


def skeleton(pose: str) -> list[Point]:
    """The 18 joints of `pose`, as (x, height)."""
    if pose == "waving":
        joints = list(_FRONT)
        joints[3], joints[4] = (-0.19, 0.83), (-0.17, 0.99)
        return joints
    return {"standing": _FRONT, "walking": _WALKING, "sitting": _SITTING}[pose]


def person(st: Stage, colour: RGB, variant: float, woman: bool, pose: str) -> None:
    """A figure 0.4 tall about its foot, its clothes in `colour`."""
    joints = [(TALL * x, -TALL * y) for x, y in skeleton(pose)]
    hair = _HAIR[int(variant * 4)]
    skin = st.colour(_SKIN[int(variant * 16) % 4])
    legs = skin if woman else st.colour((66, 70, 96) if max(colour) > 90 else (122, 118, 124))
    side = pose in ("walking", "sitting")
    if pose == "sitting":
        _seat(st)
    if woman:
        _long_hair(st, joints, st.colour(hair, 0.86), side)
    _arm(st, joints, 5 if side else 2, st.colour(colour, 0.72), skin)
    for hip in (8, 11):
        _leg(st, joints, hip, legs, woman)
    (_dress if woman else _coat)(st, joints, colour, side)
    _head(st, joints, skin, hair, side)
    if not side:
        _arm(st, joints, 5, st.colour(colour, 0.86), skin)
        if pose == "waving":
            _arm(st, joints, 2, st.colour(colour, 0.86), skin)
    else:
        _arm(st, joints, 2, st.colour(colour, 0.86), skin)
    st.note_joints(joints)


def _seat(st: Stage) -> None:
    stone = [
        (-0.085, 0.006),
        (-0.09, -0.07),
        (-0.07, -0.108),
        (0.035, -0.108),
        (0.05, -0.06),
        (0.045, 0.006),
    ]
    st.fill(blob(stone), st.colour((138, 132, 130)))


def _arm(st: Stage, joints: list[Point], shoulder: int, sleeve: int, skin: int) -> None:
    a, b, c = joints[shoulder : shoulder + 3]
    hand = (c[0] + 0.25 * (c[0] - b[0]), c[1] + 0.25 * (c[1] - b[1]))
    st.limb([b, c, hand], 0.024, skin)
    st.limb([a, b, (b[0] * 0.35 + c[0] * 0.65, b[1] * 0.35 + c[1] * 0.65)], 0.031, sleeve)


def _leg(st: Stage, joints: list[Point], hip: int, colour: int, bare: bool) -> None:
    a, b, c = joints[hip : hip + 3]
    st.limb([a, b, c], 0.031 if bare else 0.039, colour)
    toe = 0.02 if a[0] >= 0 or b[0] > a[0] else -0.004
    st.limb([(c[0], c[1] + 0.002), (c[0] + toe, c[1] + 0.006)], 0.025, st.colour((58, 46, 48)))


def _dress(st: Stage, joints: list[Point], colour: RGB, side: bool) -> None:
    hips, knees = joints[8], [joints[9], joints[12]]
    left, right = min(k[0] for k in knees) - 0.03, max(k[0] for k in knees) + 0.03
    low = max(k[1] for k in knees) + 0.012
    top = _shoulders(joints[1], 0.036 if side else 0.042)
    if hips[1] > -0.15:
        (x, y), knee = hips, knees[0][1]
        lap = [(x + 0.04, y - 0.04), (right - 0.006, knee - 0.028), (right + 0.008, knee - 0.01)]
        hem = [(right + 0.006, low + 0.034), (right - 0.056, low + 0.034)]
        _cloth(st, [*top, *lap, *hem, (x + 0.02, y + 0.036), (x - 0.048, y + 0.03)], colour, 0.03)
    else:
        x, waist = joints[1][0], joints[1][1] * 0.45 + hips[1] * 0.55
        half = 0.029 if side else 0.034
        skirt = [(x + half, waist), (right + 0.02, low), (left - 0.02, low), (x - half, waist)]
        _cloth(st, [*top, *skirt], colour)


def _coat(st: Stage, joints: list[Point], colour: RGB, side: bool) -> None:
    left, right = joints[8], joints[11]
    w = 0.04 if side else 0.048
    x, low = (left[0] + right[0]) / 2, left[1] + 0.035
    top = _shoulders(joints[1], w)
    _cloth(st, [*top, (x + w + 0.002, low), (x - w - 0.002, low)], colour)


def _shoulders(neck: Point, half: float) -> list[Point]:
    """The upper edge of a garment, from the viewer's left to the right."""
    x, y = neck
    slope = [(-1.02, 0.022), (-0.86, 0.004), (-0.4, -0.003), (0.4, -0.003), (0.86, 0.004)]
    return [(x + half * dx, y + dy) for dx, dy in (*slope, (1.02, 0.022))]


def _cloth(st: Stage, outline: list[Point], colour: RGB, fold: float = 0.0) -> None:
    """A garment, its half away from the light in shade; `fold` moves the border between them."""
    path = polygon(*outline)
    st.fill(path, st.colour(colour))
    x = sum(p[0] for p in outline[:6]) / 6 - fold
    dark = box(x - 1, -1, x - 0.012, 1) if st.side > 0 else box(x + 0.012 + 2 * fold, -1, x + 1, 1)
    with st.clipped(path):
        st.shade(dark, st.colour((16, 10, 50), alpha=44))


def _centre(joints: list[Point]) -> Point:
    return (joints[16][0] + joints[17][0]) / 2 + 0.004, joints[14][1] + 0.003


def _long_hair(st: Stage, joints: list[Point], hair: int, side: bool) -> None:
    x, y = _centre(joints)
    back = -0.02 if side else 0.0
    st.fill(
        blob(
            [
                (x + back - 0.046, y - 0.03),
                (x + back + 0.042, y - 0.03),
                (x + back + 0.036, y + 0.085),
                (x + back - 0.05, y + 0.085),
            ]
        ),
        hair,
    )


def _head(st: Stage, joints: list[Point], skin: int, hair: RGB, side: bool) -> None:
    x, y = _centre(joints)
    st.limb([(joints[1][0], joints[1][1] + 0.004), (x, y + 0.02)], 0.022, skin)
    if side:
        x += 0.006
    face = disc(x, y, 0.036)
    st.fill(face, skin, round=True)
    colour = st.colour(hair)
    cap = (
        [
            (x - 0.044, y + 0.022),
            (x - 0.05, y - 0.03),
            (x - 0.004, y - 0.056),
            (x + 0.046, y - 0.03),
            (x + 0.024, y - 0.014),
            (x - 0.012, y - 0.012),
        ]
        if side
        else [
            (x - 0.044, y + 0.012),
            (x - 0.05, y - 0.034),
            (x, y - 0.056),
            (x + 0.05, y - 0.034),
            (x + 0.044, y + 0.012),
            (x + 0.028, y - 0.014),
            (x - 0.028, y - 0.014),
        ]
    )
    st.fill(blob(cap), colour)
    if not side:
        ink = st.colour(mix(hair, (30, 26, 40), 0.5))
        for eye in joints[14:16]:
            st.shade(oval(eye[0], eye[1] + 0.006, 0.0052, 0.0062), ink)
