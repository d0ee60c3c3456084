"""Where things stand in the picture: foot, size and depth."""

from dataclasses import dataclass
from itertools import pairwise

from tools.starter.world.scene import Scene, Thing
from tools.starter.world.vocabulary import COLUMNS, KINDS

_LAND_ROWS = {"near": 0.82, "far": 0.36}
_ROWS = {
    ("lake", "land", "near"): 0.9,
    ("lake", "land", "far"): 0.165,
    ("lake", "water", "near"): 0.6,
    ("lake", "water", "far"): 0.3,
    ("sea", "land", "near"): 0.76,
    ("sea", "land", "far"): 0.26,
    ("sea", "water", "near"): 0.74,
    ("sea", "water", "far"): 0.26,
    ("beach", "land", "near"): 0.88,
    ("beach", "land", "far"): 0.62,
    ("beach", "water", "near"): 0.44,
    ("beach", "water", "far"): 0.16,
    ("river", "water", "near"): 0.74,
    ("river", "water", "far"): 0.42,
    ("river", "span", "near"): 0.62,
    ("river", "span", "far"): 0.34,
}
"""Where feet stand, as a fraction of the ground from the horizon (0) to the lower edge (1)."""
_SKY_ROWS = {("balloon", "near"): 0.96, ("balloon", "far"): 0.66, ("bird", "near"): 0.5}
"""The foot of what flies, as a fraction of the sky from the upper edge to the horizon."""
_SKY_DEPTH = {"near": 0.35, "far": 0.75}
_SCALE_BY_GAP = {1: 0.82, 2: 1.12, 3: 1.26}
"""How large near things are, by the columns between them: side by side, one apart, alone."""
_HALF_WIDTH = {
    "house": 0.21,
    "castle": 0.2,
    "lighthouse": 0.07,
    "windmill": 0.18,
    "boat": 0.18,
    "bridge": 0.25,
    "car": 0.16,
    "balloon": 0.145,
    "tree": 0.18,
    "pine": 0.12,
    "palm": 0.17,
    "flower": 0.14,
    "woman": 0.1,
    "man": 0.1,
    "cat": 0.14,
    "dog": 0.14,
    "horse": 0.27,
    "cow": 0.26,
    "bird": 0.14,
}


@dataclass(frozen=True)
class Stand:
    """A thing's foot (x, y) and the length of its unit, in pixels; its depth, 0 (near) to 1.

    `islet` says that it stands on a rock in the sea, `beyond` that it stands past the water.
    """

    x: float
    y: float
    scale: float
    depth: float
    islet: bool
    beyond: bool


def stand_of(scene: Scene, thing: Thing, size: tuple[int, int]) -> Stand:
    """Where `thing` stands in a picture of `size` (width, height), wholly inside its sides."""
    width, height = size
    horizon, medium = scene.horizon * height, KINDS[thing.kind].medium
    scale = _scale(scene, thing, size)
    room = _HALF_WIDTH[thing.kind] * scale + 0.015 * min(size)
    x = min(max(thing.x * width, room), width - room)
    if medium == "sky":
        y, depth = horizon * _SKY_ROWS[thing.kind, thing.distance], _SKY_DEPTH[thing.distance]
    else:
        row = _ROWS.get((scene.place, medium, thing.distance), _LAND_ROWS[thing.distance])
        row += 0.03 * (thing.variant - 0.5) if medium == "land" else 0
        y, depth = horizon + row * (height - horizon), 1 - row
    on_land = medium == "land"
    beyond = on_land and scene.place == "lake" and thing.distance == "far"
    return Stand(x, y, scale, depth, on_land and scene.place == "sea", beyond)


def river_x(scene: Scene, size: tuple[int, int]) -> float:
    """Where the river passes, a fraction of the width: under its boat or bridge, else where there
    is most room."""
    for thing in scene.things:
        if KINDS[thing.kind].medium in ("water", "span"):
            return stand_of(scene, thing, size).x / size[0]
    taken = [t.x for t in scene.things if KINDS[t.kind].medium == "land"]
    return max((0.5, 0.24, 0.76), key=lambda x: min([abs(x - t) for t in taken], default=1.0))


def _scale(scene: Scene, thing: Thing, size: tuple[int, int]) -> float:
    unit = min(size)
    if thing.distance == "far":
        return 0.6 * unit
    columns = sorted({COLUMNS.index(t.column) for t in scene.things if t.distance == "near"})
    scale = _SCALE_BY_GAP[min((b - a for a, b in pairwise(columns)), default=3)]
    if KINDS[thing.kind].small:
        scale *= 1.2
    limit = {"balloon": 0.92, "bridge": 1.0}.get(thing.kind, 1.35)
    return unit * min(limit, scale * size[0] / unit)
