"""The negative prompt: what it names goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PIL import Image

from benchmarks.fidelity.finding import Chart, Finding, Row, at_least, at_most
from benchmarks.fidelity.studio import Studio


class Open(NamedTuple):
    """A prompt that leaves something open, and words against each of what may be there."""

    prompt: str
    words: Mapping[str, str]


CASES = (
    Open(
        "a red house in the middle, a meadow",
        {
            "clear": "a clear sky, clear weather",
            "cloudy": "cloudy, clouds",
            "rain": "rain, rainy weather",
            "snow": "falling snow, snowing",
            "fog": "fog, foggy, mist",
        },
    ),
    Open(
        "a boat in the middle, a lake, stained glass, watercolour",
        {"stained glass": "stained glass", "watercolour": "watercolour"},
    ),
    Open(
        "a red house tree in the middle, a meadow, daytime, a clear sky",
        {"house": "a house in the middle", "tree": "a tree in the middle"},
    ),
)
"""A weather, and which of two styles and of two kinds."""


def measure(studio: Studio, seeds: int = 6) -> Finding:
    """Each prompt bare, and with words against what is seen most often in its pictures."""
    names, without, with_, tiles = [], [], [], []
    for prompt, words in CASES:
        bare = [studio.paint(prompt, seed) for seed in range(seeds)]
        value = max(words, key=lambda value: studio.share(bare, value))
        against = words[value]
        kept = [studio.paint(prompt, seed, negative_prompt=against) for seed in range(seeds)]
        names.append(value)
        without.append(studio.share(bare, value))
        with_.append(studio.share(kept, value))
        best = _clearest(studio, value, bare, kept)
        tiles += [(prompt, bare[best]), (f"negative prompt: {against}", kept[best])]
    claims = [
        claim
        for name, share, left in zip(names, without, with_, strict=True)
        for claim in (
            at_least(f"{name} where the prompt leaves it open", share, 0.3),
            at_most(f"{name} where the negative prompt names it", left, share / 3),
        )
    ]
    chart = Chart(
        "Negative prompt",
        "",
        "pictures that show it",
        names,
        {"left open": without, "in the negative prompt": with_},
        share=True,
    )
    return Finding(claims, chart, Row("Negative prompt: what is not to be there", "", tiles[:4]))


def _clearest(
    studio: Studio, value: str, bare: Sequence[Image.Image], kept: Sequence[Image.Image]
) -> int:
    """The first seed that shows `value` bare and does not otherwise, else the first."""
    seen = zip(studio.see(bare), studio.see(kept), strict=True)
    clear = [value in one.values() and value not in other.values() for one, other in seen]
    return clear.index(True) if any(clear) else 0
