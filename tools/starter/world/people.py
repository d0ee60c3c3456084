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
    neck, hips, knees = joints[1], joints[8], [joints[9], joints[12]]
    left, right = min(k[0] for k in knees) - 0.03, max(k[0] for k in knees) + 0.03
    low = max(k[1] for k in knees) + 0.012
    w = 0.036 if side else 0.042
    if hips[1] > -0.15:
        outline = [
            (neck[0] - w, neck[1] + 0.01), (neck[0] + w, neck[1] + 0.01),
            (neck[0] + w, hips[1] - 0.035), (right + 0.006, knees[0][1] - 0.035),
            (right + 0.012, low + 0.03), (right - 0.05, low + 0.03),
            (hips[0] + 0.02, hips[1] + 0.04), (hips[0] - 0.05, hips[1] + 0.035),
        ]  # fmt: skip
    else:
        waist = neck[1] * 0.45 + hips[1] * 0.55
        outline = [
            (neck[0] - w, neck[1] + 0.002), (neck[0] + w, neck[1] + 0.002),
            (neck[0] + 0.8 * w, waist), (right + 0.02, low), (left - 0.02, low),
            (neck[0] - 0.8 * w, waist),
        ]  # fmt: skip
    _cloth(st, outline, colour)


def _coat(st: Stage, joints: list[Point], colour: RGB, side: bool) -> None:
    neck, hips = joints[1], joints[8:12:3]
    w = 0.04 if side else 0.048
    x = (hips[0][0] + hips[1][0]) / 2
    low = hips[0][1] + 0.035
    outline = [
        (neck[0] - w, neck[1] + 0.002), (neck[0] + w, neck[1] + 0.002),
        (x + w + 0.002, low), (x - w - 0.002, low),
    ]  # fmt: skip
    _cloth(st, outline, colour)


def _cloth(st: Stage, outline: list[Point], colour: RGB) -> None:
    path = polygon(*outline)
    st.fill(path, st.colour(colour))
    with st.clipped(path):
        x = sum(p[0] for p in outline) / len(outline)
        st.shade(
            box(*((x - 1, -1, x - 0.012, 1) if st.side > 0 else (x + 0.012, -1, x + 1, 1))),
            st.colour((16, 10, 50), alpha=44),
        )


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
