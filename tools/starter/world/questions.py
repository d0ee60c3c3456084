"""What a probe is asked about a picture, and the prompts a checkpoint is asked to paint.

A probe is a small classifier with one head for each entry of HEADS. It is trained on painted scenes
with `labels`, and judges a checkpoint's pictures of `questions`: a hit for each attribute that
`asked` names. Nothing that cannot be seen is asked: no distance of a kind that is always near, no
pose of a house or of someone far away.

The probe is the judge, not the judged: train it on `scene(seed, held_out=None)`, so that it knows
every combination, and on pictures of the full 256 px, at which brush strokes can be told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count, islice

import numpy as np

from tools.starter.world.scene import Scene, scene
from tools.starter.world.vocabulary import (
    COLOURS,
    COLUMNS,
    DISTANCES,
    KINDS,
    PLACES,
    POSES,
    STYLES,
    TIMES,
    WEATHERS,
)
from tools.starter.world.words import captions

HEADS: dict[str, tuple[str, ...]] = {
    "place": PLACES,
    "time": TIMES,
    "weather": WEATHERS,
    "style": STYLES,
    "count": ("0", "1", "2", "3"),
    **{f"{column} kind": ("none", *KINDS) for column in COLUMNS},
    **{f"{column} colour": ("none", *COLOURS) for column in COLUMNS},
    **{f"{column} distance": ("none", *DISTANCES) for column in COLUMNS},
    **{f"{column} pose": POSES for column in COLUMNS},
}

UNSEEN = 10_000_000
"""Scenes from this seed on are never trained on."""


@dataclass(frozen=True)
class Question:
    """A prompt and the attributes a picture of it must show."""

    prompt: str
    wanted: dict[str, str]


def labels(scene: Scene) -> np.ndarray:
    """The class of `scene` for each head of HEADS, int64."""
    known = scene.attributes
    return np.array([values.index(known[name]) for name, values in HEADS.items()], np.int64)


def asked(scene: Scene) -> dict[str, str]:
    """The attributes of `scene` that count: those of the whole and of what stands somewhere."""
    out = {name: scene.attributes[name] for name in ("place", "time", "weather", "style", "count")}
    for thing in scene.things:
        kind = KINDS[thing.kind]
        out[f"{thing.column} kind"] = thing.kind
        out[f"{thing.column} colour"] = thing.colour
        if not kind.small:
            out[f"{thing.column} distance"] = thing.distance
        if len(kind.poses) > 1 and thing.distance == "near":
            out[f"{thing.column} pose"] = thing.pose
    return out


def questions(number: int, held_out: bool = True, first: int = UNSEEN) -> list[Question]:
    """`number` full captions of scenes never trained on, each in one of its eight ways.

    Only scenes with something in them. With `held_out` each shows a combination kept out of
    training, else none does.
    """
    drawn = (scene(seed, held_out) for seed in count(first))
    chosen = islice((s for s in drawn if s.things), number)
    return [Question(captions(s)[i % 8], asked(s)) for i, s in enumerate(chosen)]


def grade(seen: Mapping[str, str], question: Question) -> dict[str, bool]:
    """Which of the wanted attributes a probe saw; `seen` holds its answer for each head."""
    return {name: seen[name] == wanted for name, wanted in question.wanted.items()}
