"""Paints a scene, and what is true of every pixel of it."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from tools.starter.world import animals, buildings, people, plants
from tools.starter.world.land import paint_land
from tools.starter.world.light import light_of
from tools.starter.world.scene import Scene, Thing
from tools.starter.world.sky import paint_sky
from tools.starter.world.stage import Stage
from tools.starter.world.styles import finish, paint_leads, pen_of
from tools.starter.world.truth import Pose, Truth, truth_of
from tools.starter.world.vocabulary import ANIMALS, COLUMNS, KINDS, PAINT, PEOPLE
from tools.starter.world.water import SHORE, paint_water, water_colour, water_outline
from tools.starter.world.weather import paint_weather
from tools.starter.world.words import caption

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
_SKY_ROWS = {("balloon", "near"): 0.94, ("balloon", "far"): 0.66, ("bird", "near"): 0.5}
_SKY_DEPTH = {"near": 0.35, "far": 0.75}


_HALF_WIDTH = {
    "house": 0.21, "castle": 0.2, "lighthouse": 0.07, "windmill": 0.18, "boat": 0.18,
    "bridge": 0.2, "car": 0.16, "balloon": 0.145, "tree": 0.18, "pine": 0.12, "palm": 0.17,
    "flower": 0.14, "woman": 0.1, "man": 0.1, "cat": 0.14, "dog": 0.14, "horse": 0.23, "cow": 0.23,
    "bird": 0.14,
}  # fmt: skip


@dataclass(frozen=True)
class Painting:
    """A picture and its ground truth.

    `pixels` uint8 RGB [h, w, 3]; `caption` one full sentence; `attributes` the scene's own. The
    rest is None unless truth was asked for; see `Truth`.
    """

    pixels: np.ndarray
    caption: str
    attributes: dict[str, str]
    truth: Truth | None


def paint(scene: Scene, size: tuple[int, int] = (256, 256), truth: bool = True) -> Painting:
    """The picture of `scene`, `size` (width, height) in pixels; `truth` False is faster."""
    stage = Stage(size, light_of(scene), pen_of(scene.style), truth)
    horizon = scene.horizon * size[1]
    rng = np.random.default_rng((2, scene.seed))
    paint_sky(stage, scene, horizon, rng)
    paint_land(stage, scene.place, scene.weather == "snow", horizon, rng)
    if scene.style == "stained glass":
        paint_leads(stage, rng)
    painter = partial(_paint_thing, stage, scene, horizon)
    order = sorted(enumerate(scene.things, 1), key=lambda item: -_row_and_depth(scene, item[1])[1])
    beyond = [item for item in order if _stands_beyond_water(scene, item[1])]
    poses: list[Pose] = []
    for index, thing in beyond:
        painter(index, thing, None, poses)
    water = None
    if scene.place in SHORE:
        water = water_outline(stage, scene.place, horizon, _river_x(scene), rng)
        paint_water(stage, scene.place, water, horizon, rng)
    for index, thing in order:
        if (index, thing) not in beyond:
            painter(index, thing, water, poses)
    paint_weather(stage, scene.weather, horizon, rng)
    pixels = finish(stage, scene.style, rng)
    known = truth_of(stage, horizon, poses) if truth else None
    return Painting(pixels, caption(scene), scene.attributes, known)


def _row_and_depth(scene: Scene, thing: Thing) -> tuple[float, float]:
    """The row of a thing's foot below the horizon (0..1 of the ground) and its depth (0..1)."""
    medium = KINDS[thing.kind].medium
    if medium == "sky":
        return 0.0, _SKY_DEPTH[thing.distance]
    row = _ROWS.get((scene.place, medium, thing.distance), _LAND_ROWS[thing.distance])
    if medium == "land":
        row += 0.03 * (thing.variant - 0.5)
    return row, 1 - row


def _scale(scene: Scene, thing: Thing, st: Stage) -> float:
    """Pixels to a thing's unit: smaller where far, and where neighbours need room."""
    columns = [COLUMNS.index(t.column) for t in scene.things if t.distance == "near"]
    gap = min((b - a for a, b in zip(columns, columns[1:], strict=False)), default=3)
    base = {1: 0.88, 2: 1.12, 3: 1.26}[gap]
    if thing.distance == "far":
        return 0.6 * st.unit
    if KINDS[thing.kind].medium == "sky":
        base = min(base, 1.0)
    grown = base * (1.2 if KINDS[thing.kind].small else 1.0)
    return st.unit * min(1.35, grown * st.width / st.unit)


def _stands_beyond_water(scene: Scene, thing: Thing) -> bool:
    medium = KINDS[thing.kind].medium
    return scene.place == "lake" and medium == "land" and thing.distance == "far"


def _river_x(scene: Scene) -> float:
    """Where the river passes: under its boat or bridge, else where nobody stands."""
    for thing in scene.things:
        if KINDS[thing.kind].medium in ("water", "span"):
            return thing.x
    taken = [t.x for t in scene.things if KINDS[t.kind].medium == "land"]
    return max((0.5, 0.24, 0.76), key=lambda x: min([abs(x - t) for t in taken], default=1.0))


def _paint_thing(
    st: Stage, scene: Scene, horizon: float, index: int, thing: Thing, water, poses: list[Pose]
) -> None:
    medium = KINDS[thing.kind].medium
    row, depth = _row_and_depth(scene, thing)
    near = thing.distance == "near"
    y = horizon + row * (st.height - horizon)
    if medium == "sky":
        y = horizon * _SKY_ROWS[thing.kind, thing.distance]
    scale = _scale(scene, thing, st)
    room = _HALF_WIDTH[thing.kind] * scale + 0.015 * st.unit
    x = min(max(thing.x * st.width, room), st.width - room)
    st.softness = 0.55
    afloat = medium == "water" or (scene.place == "sea" and medium == "land")
    air = 0.04 if near else 0.42
    with st.standing(x, y, scale, thing.facing), st.being(thing.kind, depth, air, index):
        islet = scene.place == "sea" and medium == "land"
        if water is not None and (afloat or medium == "span"):
            _reflect(st, thing, water, islet)
        elif medium == "land" and st.light.shadow and not _stands_beyond_water(scene, thing):
            slant = thing.facing * (thing.x - scene.sun_x) * 1.6 * st.light.reach
            with st.shadowed(slant, 0.2 + 0.12 * st.light.reach, st.light.shadow):
                _draw(st, thing)
        if islet:
            with st.being("rock", depth, air):
                buildings.rock(st, 1.0)
        _draw(st, thing)
    if thing.kind in PEOPLE + ANIMALS:
        poses.append(Pose(thing, index, st.joints[-1]))


def _reflect(st: Stage, thing: Thing, water, islet: bool) -> None:
    matrix = st.canvas.getTotalMatrix()
    inverse = type(matrix)()
    if not matrix.invert(inverse):
        raise AssertionError("a thing's frame can be undone")
    st.canvas.save()
    path = type(water)(water)
    path.transform(inverse)
    st.canvas.clipPath(path, doAntiAlias=True)
    with st.reflected(water_colour(st), 0.48):
        if islet:
            buildings.rock(st, 1.0)
        _draw(st, thing)
    st.canvas.restore()


def _draw(st: Stage, thing: Thing) -> None:
    colour = PAINT[thing.colour]
    if thing.kind in PEOPLE:
        people.person(st, colour, thing.variant, thing.kind == "woman", thing.pose)
    elif thing.kind in ANIMALS:
        animals.animal(st, thing.kind, colour, thing.variant, thing.pose)
    else:
        room = plants if hasattr(plants, thing.kind) else buildings
        getattr(room, thing.kind)(st, colour, thing.variant)
