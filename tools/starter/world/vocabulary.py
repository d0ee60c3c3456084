"""The words of the painted world: what there is, in which colours, where it may stand."""

from dataclasses import dataclass

RGB = tuple[float, float, float]

PLACES = (
    "meadow",
    "hills",
    "mountains",
    "forest",
    "desert",
    "beach",
    "sea",
    "lake",
    "river",
    "snowfield",
)
TIMES = ("dawn", "day", "sunset", "night")
WEATHERS = ("clear", "cloudy", "rain", "snow", "fog")
STYLES = (
    "plain",
    "watercolour",
    "oil painting",
    "ink drawing",
    "pixel art",
    "stained glass",
    "low poly",
    "pastel",
)
COLUMNS = ("left", "middle", "right")
DISTANCES = ("near", "far")
POSES = ("none", "standing", "walking", "sitting", "waving", "running", "grazing", "flying")

PAINT: dict[str, RGB] = {
    "red": (206, 42, 44),
    "orange": (242, 130, 34),
    "yellow": (250, 208, 56),
    "green": (50, 142, 70),
    "blue": (46, 100, 208),
    "purple": (126, 62, 172),
    "pink": (246, 146, 186),
    "white": (245, 244, 238),
    "black": (46, 44, 52),
    "brown": (136, 88, 56),
}
COLOURS = tuple(PAINT)

_LAND = tuple(place for place in PLACES if place != "sea")
_GRASS = ("meadow", "hills", "mountains", "lake", "river")
_FREE = tuple(colour for colour in COLOURS if colour != "brown")
_FUR = ("black", "white", "brown")


@dataclass(frozen=True)
class Kind:
    """What is true of every house, every cat: its colours, its places, its poses.

    `medium` is what it stands on: "land", "water" (afloat), "sky" (in the air) or "span" (across a
    river). `small` kinds are painted near only, where their colour can be seen. `weight` is how
    often it is drawn beside the others.
    """

    colours: tuple[str, ...]
    places: tuple[str, ...]
    medium: str = "land"
    poses: tuple[str, ...] = ("none",)
    small: bool = False
    weight: float = 1.0


KINDS: dict[str, Kind] = {
    "house": Kind(_FREE, PLACES, weight=1.6),
    "castle": Kind(_FREE, ("meadow", *_GRASS[1:], "desert", "sea", "snowfield")),
    "lighthouse": Kind(_FREE, ("sea", "beach"), weight=2.0),
    "windmill": Kind(_FREE, (*_GRASS, "snowfield")),
    "boat": Kind(_FREE, ("beach", "sea", "lake", "river"), medium="water", weight=3.0),
    "bridge": Kind(_FREE, ("river",), medium="span", weight=3.0),
    "car": Kind(_FREE, _LAND, weight=1.2),
    "balloon": Kind(_FREE, PLACES, medium="sky"),
    "tree": Kind(
        ("red", "orange", "yellow", "green", "pink", "purple", "white"),
        (*_GRASS, "forest", "snowfield"),
        weight=1.4,
    ),
    "pine": Kind(("green", "blue", "white"), (*_GRASS, "forest", "snowfield"), weight=0.8),
    "palm": Kind(("green", "yellow"), ("desert", "beach", "sea"), weight=1.2),
    "flower": Kind(
        tuple(c for c in _FREE if c not in ("green", "black")),
        (*_GRASS, "forest"),
        small=True,
        weight=1.2,
    ),
    "woman": Kind(_FREE, _LAND, poses=("standing", "walking", "sitting", "waving"), weight=1.4),
    "man": Kind(_FREE, _LAND, poses=("standing", "walking", "sitting", "waving"), weight=1.4),
    "cat": Kind(
        ("black", "white", "orange"), _LAND, poses=("standing", "running", "sitting"), small=True
    ),
    "dog": Kind(_FUR, _LAND, poses=("standing", "running", "sitting"), small=True),
    "horse": Kind(
        _FUR,
        (*_GRASS, "forest", "desert", "beach", "snowfield"),
        poses=("standing", "running", "grazing"),
    ),
    "cow": Kind(_FUR, (*_GRASS, "snowfield"), poses=("standing", "grazing")),
    "bird": Kind(
        ("red", "yellow", "blue", "white", "black"),
        PLACES,
        medium="sky",
        poses=("flying",),
        small=True,
    ),
}
PEOPLE = ("woman", "man")
ANIMALS = ("cat", "dog", "horse", "cow", "bird")

SEGMENTS = (
    "sky",
    "sun or moon",
    "cloud",
    "mountain",
    "hill",
    "plant",
    "ground",
    "water",
    "rock",
    *KINDS,
)
"""Class names of the segment map, by index."""

COCO_18 = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)
"""People's joints, in the order of OpenPose's COCO model (Cao et al. 2017)."""

ANIMAL_13 = (
    "nose",
    "eye",
    "neck",
    "tail_base",
    "tail_tip",
    "front_near_knee",
    "front_near_foot",
    "front_far_knee",
    "front_far_foot",
    "hind_near_knee",
    "hind_near_foot",
    "hind_far_knee",
    "hind_far_foot",
)
"""Animals' joints; near and far are the sides towards and away from the viewer.

A bird's front knee and foot are its wing's wrist and tip.
"""
