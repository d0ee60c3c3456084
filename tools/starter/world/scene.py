"""What a painted scene is: every decision as data, drawn from a seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from tools.starter.world.vocabulary import (
    COLUMNS,
    KINDS,
    PLACES,
    STYLES,
    TIMES,
    WEATHERS,
)

HELD_OUT_PAIRS = frozenset(
    {
        ("purple", "boat"),
        ("orange", "house"),
        ("green", "car"),
        ("pink", "castle"),
        ("yellow", "lighthouse"),
        ("black", "windmill"),
        ("blue", "bridge"),
        ("white", "balloon"),
        ("purple", "tree"),
        ("white", "pine"),
        ("orange", "flower"),
        ("yellow", "woman"),
        ("purple", "man"),
        ("white", "cat"),
        ("black", "dog"),
        ("white", "horse"),
        ("black", "cow"),
        ("yellow", "bird"),
    }
)
"""(colour, kind) pairs that no training scene shows."""

_COLUMN_X: dict[str, float] = {"left": 0.19, "middle": 0.5, "right": 0.81}


@dataclass(frozen=True)
class Thing:
    """One named thing in a scene.

    `x` is its middle as a fraction of the width; `facing` is 1 (right) or -1 (left); `variant`
    (0..1) chooses what no caption names: hair, windows, the shape of a crown.
    """

    kind: str
    colour: str
    column: str
    distance: str
    pose: str
    x: float
    facing: int
    variant: float


@dataclass(frozen=True)
class Scene:
    """One picture to paint.

    `horizon` is a fraction of the height from the top, `sun_x` of the width (the moon's at night).
    `crescent` is the moon's shape. `seed` draws the details that are no decision: outlines of
    clouds and ridges, stars, flakes, strokes of the brush.
    """

    seed: int
    place: str
    time: str
    weather: str
    style: str
    things: tuple[Thing, ...]
    horizon: float
    sun_x: float
    crescent: bool

    @property
    def attributes(self) -> dict[str, str]:
        """What a probe can be asked, as words: place, time, weather, style, count, and for each
        column its kind, colour, distance and pose ("none" where nothing stands)."""
        out = {
            "place": self.place,
            "time": self.time,
            "weather": self.weather,
            "style": self.style,
            "count": str(len(self.things)),
        }
        by_column = {thing.column: thing for thing in self.things}
        for column in COLUMNS:
            for field in ("kind", "colour", "distance", "pose"):
                out[f"{column} {field}"] = getattr(by_column.get(column), field, "none")
        return out


def held_out(scene: Scene) -> bool:
    """Whether `scene` shows a combination kept out of training.

    Either a (colour, kind) pair of `HELD_OUT_PAIRS`, or a (kind, time, weather) triple whose
    indices k, t, w in KINDS, TIMES and WEATHERS make (2 k + 3 t + 5 w) mod 13 = 0: one in thirteen.
    """
    return _is_held_out(scene)


def _is_held_out(scene: Scene) -> bool:
    return any(
        (thing.colour, thing.kind) in HELD_OUT_PAIRS
        or _held_out_triple(thing.kind, scene.time, scene.weather)
        for thing in scene.things
    )


def _held_out_triple(kind: str, time: str, weather: str) -> bool:
    k, t, w = list(KINDS).index(kind), TIMES.index(time), WEATHERS.index(weather)
    return (2 * k + 3 * t + 5 * w) % 13 == 0


def scene(seed: int, held_out: bool | None = False) -> Scene:
    """The scene of `seed`: never a held-out one, only held-out ones (True), or any (None)."""
    for attempt in count():
        drawn = _draw(seed, np.random.default_rng((1, seed, attempt)))
        if held_out is None or _is_held_out(drawn) == held_out:
            return drawn
    raise AssertionError("unreachable")


def mirrored(scene: Scene) -> Scene:
    """What a mirror image of `scene`'s picture shows (the picture itself is to be flipped)."""
    swap = {"left": "right", "middle": "middle", "right": "left"}
    things = tuple(
        replace(t, column=swap[t.column], x=1 - t.x, facing=-t.facing) for t in scene.things
    )
    return replace(scene, things=things, sun_x=1 - scene.sun_x)


def _draw(seed: int, rng: np.random.Generator) -> Scene:
    place = _pick(rng, PLACES)
    style = _pick(rng, STYLES, (0.37, *[0.09] * 7))
    weather = _pick(rng, WEATHERS, (0.4, 0.15, 0.15, 0.15, 0.15))
    number = int(rng.choice(4, p=(0.07, 0.4, 0.33, 0.2)))
    columns = COLUMNS if number == 3 else _columns(rng, number)
    things: list[Thing] = []
    for column in columns:
        things.append(_draw_thing(rng, place, column, things))
    if len(things) == 2:
        things = [_make_room(thing, things) for thing in things]
    return Scene(
        seed,
        place,
        _pick(rng, TIMES, (0.2, 0.38, 0.2, 0.22)),
        weather,
        style,
        tuple(things),
        float(rng.uniform(0.44, 0.53)),
        float(rng.choice((-1, 1)) * rng.uniform(0.14, 0.36) + 0.5),
        bool(rng.random() < 0.5),
    )


def _columns(rng: np.random.Generator, number: int) -> list[str]:
    weights = (0.3, 0.4, 0.3) if number == 1 else (1 / 3, 1 / 3, 1 / 3)
    chosen = rng.choice(3, number, replace=False, p=weights)
    return [COLUMNS[i] for i in sorted(chosen)]


def _make_room(thing: Thing, things: Sequence[Thing]) -> Thing:
    """The one in the middle steps away from the other; it still stands in the middle."""
    if thing.column != "middle":
        return thing
    other = next(t for t in things if t is not thing)
    return replace(thing, x=thing.x + (0.08 if other.x < thing.x else -0.08))


def _draw_thing(
    rng: np.random.Generator, place: str, column: str, others: Sequence[Thing]
) -> Thing:
    taken = {t.kind for t in others if KINDS[t.kind].medium in ("water", "span")}
    if place == "river" and taken:
        taken |= {"boat", "bridge"}
    taken |= {k for k in KINDS if not _free_colours(k, others)}
    kinds = [k for k, kind in KINDS.items() if place in kind.places and k not in taken]
    weights = np.array([KINDS[k].weight for k in kinds])
    name = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
    kind = KINDS[name]
    near = kind.small or rng.random() < 0.58
    return Thing(
        name,
        _pick(rng, _free_colours(name, others)),
        column,
        "near" if near else "far",
        _pick(rng, kind.poses),
        float(_COLUMN_X[column] + rng.uniform(-0.035, 0.035)),
        1 if rng.random() < 0.5 else -1,
        float(rng.random()),
    )


def _free_colours(kind: str, others: Sequence[Thing]) -> list[str]:
    """The colours that no other of its kind wears, so that a caption tells them apart."""
    worn = {t.colour for t in others if t.kind == kind}
    return [c for c in KINDS[kind].colours if c not in worn]


def _pick(
    rng: np.random.Generator, words: Sequence[str], weights: Sequence[float] | None = None
) -> str:
    return words[rng.choice(len(words), p=weights)]
