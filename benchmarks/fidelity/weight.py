"""The weight of a word, `(red:1.4)`, against the colour of what it describes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy.stats import spearmanr

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
    area = {weight: _red(made) for weight, made in pictures.items()}
    rank = spearmanr(WEIGHTS, list(area.values())).statistic
    claims = [
        at_least("weight: rank correlation of (red:w) and measured red", rank, 0.8, NUMBER),
        at_least("weight: red at 1.6 over red at 0.4", area[1.6] / area[0.4], 1.3, NUMBER),
        at_least("weight: red at 1 over that of [red]", area[1.0] / _red(lowered), 1.0, NUMBER),
    ]
    chart = Chart(
        "Weight of a word",
        "w in (red:w)",
        "red",
        WEIGHTS,
        {
            "probability of red, says the probe": belief,
            "red in the picture, as measured": [area[w] / max(area.values()) for w in WEIGHTS],
        },
        share=True,
    )
    tiles = [(f"(red:{weight:g})", pictures[weight][0]) for weight in SHOWN]
    return Finding(claims, chart, Row("Weight", PROMPT.format("(red:w)"), tiles))


def _red(pictures: Sequence[Image.Image]) -> float:
    return float(np.mean([redness(picture).mean() for picture in pictures]))
