"""The weight of a word, `(red:1.4)`, against the colour of what it describes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from benchmarks.fidelity.colour import redness
from benchmarks.fidelity.finding import NUMBER, Chart, Finding, Row, at_least
from benchmarks.fidelity.studio import Studio

WEIGHTS = (0.0, 0.4, 0.8, 1.0, 1.2, 1.6)
SHOWN = (0.0, 0.8, 1.2, 1.6)
PROMPT = "a {} house in the middle, a meadow, daytime, a clear sky"


def measure(studio: Studio, seeds: int = 6) -> Finding:
    """One prompt and the same seeds at each weight of one word."""
    pictures = {
        weight: [studio.paint(PROMPT.format(f"(red:{weight:g})"), s) for s in range(seeds)]
        for weight in WEIGHTS
    }
    lowered = [studio.paint(PROMPT.format("[red]"), s) for s in range(seeds)]
    belief = [studio.belief(pictures[w], "middle colour", "red").mean() for w in WEIGHTS]
    most = max(map(_red, pictures.values())) or 1.0
    red = {weight: _red(made) / most for weight, made in pictures.items()}
    likeness = float(np.corrcoef(WEIGHTS, list(red.values()))[0, 1])
    claims = [
        at_least("weight: correlation of (red:w) and measured red", likeness, 0.8, NUMBER),
        at_least("weight: red at 1.6 above that at 0.4", red[1.6] - red[0.4], 0.2, NUMBER),
        at_least(
            "weight: red at 1 above that of [red]", red[1.0] - _red(lowered) / most, 0, NUMBER
        ),
    ]
    chart = Chart(
        "Weight of a word",
        "w in (red:w)",
        "red",
        WEIGHTS,
        {
            "probability of red, by the probe": belief,
            "red measured, of the most": list(red.values()),
        },
        share=True,
    )
    tiles = [(f"(red:{weight:g})", pictures[weight][0]) for weight in SHOWN]
    return Finding(
        claims, chart, Row("Weight: how much one word counts", PROMPT.format("(red:w)"), tiles)
    )


def _red(pictures: Sequence[Image.Image]) -> float:
    return float(np.mean([redness(picture).mean() for picture in pictures]))
