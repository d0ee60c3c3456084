"""Paints a scene, and what is true of every pixel of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import skia

from tools.starter.world import buildings, plants
from tools.starter.world.animals import animal
from tools.starter.world.foreground import paint_foreground
from tools.starter.world.land import paint_land
from tools.starter.world.layout import Stand, river_x, stand_of
from tools.starter.world.light import light_of
from tools.starter.world.people import person
from tools.starter.world.scene import Scene, Thing
from tools.starter.world.sky import paint_sky
from tools.starter.world.stage import Stage
from tools.starter.world.styles import finish, paint_leads, pen_of
from tools.starter.world.truth import Pose, Truth, truth_of
from tools.starter.world.vocabulary import ANIMALS, KINDS, PAINT, PEOPLE, RGB
from tools.starter.world.water import SHORE, paint_water, water_colour, water_outline
from tools.starter.world.weather import paint_fog_bank, paint_weather
from tools.starter.world.words import caption

_BY_HAND: dict[str, Callable[[Stage, RGB, float], None]] = {
    "house": buildings.house,
    "castle": buildings.castle,
    "lighthouse": buildings.lighthouse,
    "windmill": buildings.windmill,
    "boat": buildings.boat,
    "bridge": buildings.bridge,
    "car": buildings.car,
    "balloon": buildings.balloon,
    "tree": plants.tree,
    "pine": plants.pine,
    "palm": plants.palm,
    "flower": plants.flower,
}


_WEATHER_LAST = ("low poly", "oil painting", "watercolour", "pastel")
"""Styles in whose facets, strokes and grain rain and snowflakes would be lost."""


@dataclass(frozen=True)
class Painting:
    """A picture, what it shows in words, and its ground truth (None unless asked for).

    `pixels` uint8 RGB [h, w, 3]; `caption` one full sentence; `attributes` the scene's own.
    """

    pixels: np.ndarray
    caption: str
    attributes: dict[str, str]
    truth: Truth | None


@dataclass(frozen=True)
class _Placed:
    index: int
    thing: Thing
    stand: Stand

    @property
    def behind_fog(self) -> bool:
        return self.thing.distance == "far" and not self.stand.beyond

    @property
    def before_fog(self) -> bool:
        return self.thing.distance == "near"


def paint(scene: Scene, size: tuple[int, int] = (256, 256), truth: bool = True) -> Painting:
    """The picture of `scene`, `size` (width, height) in pixels; without `truth` it is faster.

    The same scene and size give the same bytes with the same versions of numpy, scipy, Pillow and
    Skia. Sizes from 192 to 1024 a side are meant.
    """
    stage = Stage(size, light_of(scene), pen_of(scene.style), truth)
    rng = np.random.default_rng((2, scene.seed))
    poses = _compose(stage, scene, rng)
    horizon = scene.horizon * size[1]
    if scene.style not in _WEATHER_LAST:
        paint_weather(stage, scene.weather, horizon, rng)
    pixels = finish(stage, scene.style, rng)
    if scene.style in _WEATHER_LAST:
        stage.pixels[..., :3] = pixels
        paint_weather(stage, scene.weather, horizon, rng)
        pixels = np.ascontiguousarray(stage.pixels[..., :3])
    known = truth_of(stage, horizon, poses) if truth else None
    return Painting(pixels, caption(scene), scene.attributes, known)


def _compose(st: Stage, scene: Scene, rng: np.random.Generator) -> list[Pose]:
    """Paint everything from the sky to the foreground."""
    horizon, snowing = scene.horizon * st.height, scene.weather == "snow"
    paint_sky(st, scene, horizon, rng)
    paint_land(st, scene.place, snowing, horizon, rng)
    if scene.style == "stained glass":
        paint_leads(st, np.random.default_rng((4, scene.seed)))
    size = (st.width, st.height)
    placed = [_Placed(i, t, stand_of(scene, t, size)) for i, t in enumerate(scene.things, 1)]
    placed.sort(key=lambda p: -p.stand.depth)
    poses = [_paint_thing(st, scene, p, None) for p in placed if p.stand.beyond]
    water = None
    if scene.place in SHORE:
        water = water_outline(st, scene.place, horizon, river_x(scene, size), rng)
        paint_water(st, scene.place, water, horizon, rng)
    poses += [_paint_thing(st, scene, p, water) for p in placed if p.behind_fog]
    if scene.weather == "fog":
        paint_fog_bank(st, horizon)
    poses += [_paint_thing(st, scene, p, water) for p in placed if p.before_fog]
    paint_foreground(st, scene.place, snowing, rng)
    return [pose for pose in poses if pose]


def _paint_thing(st: Stage, scene: Scene, placed: _Placed, water: skia.Path | None) -> Pose | None:
    """One thing with its shadow or its reflection; its pose if it has one."""
    thing, stand = placed.thing, placed.stand
    medium = KINDS[thing.kind].medium
    air = 0.04 if thing.distance == "near" else 0.42
    st.softness = 0.55
    with (
        st.standing(stand.x, stand.y, stand.scale, thing.facing),
        st.being(thing.kind, stand.depth, air, placed.index),
    ):
        if water and (medium in ("water", "span") or stand.islet):
            with st.clipped_to_world(water), st.reflected(water_colour(st), 0.48):
                _draw(st, thing, stand)
        elif medium == "land" and st.light.shadow and not stand.beyond:
            slant = thing.facing * (stand.x / st.width - scene.sun_x) * 1.6 * st.light.reach
            with st.shadowed(slant, 0.2 + 0.12 * st.light.reach, st.light.shadow):
                _draw(st, thing, stand)
        _draw(st, thing, stand)
    st.softness = 0.0
    posed = thing.kind in PEOPLE + ANIMALS
    return Pose(thing, placed.index, st.joints[-1]) if posed else None


def _draw(st: Stage, thing: Thing, stand: Stand) -> None:
    if stand.islet:
        with st.being("rock", stand.depth, st.distance):
            buildings.rock(st)
    colour = PAINT[thing.colour]
    if thing.kind in PEOPLE:
        person(st, colour, thing.variant, thing.kind == "woman", thing.pose)
    elif thing.kind in ANIMALS:
        animal(st, thing.kind, colour, thing.variant, thing.pose)
    else:
        _BY_HAND[thing.kind](st, colour, thing.variant)
