"""What SDXL's kind is told of a crop, against where things stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from benchmarks.fidelity.colour import redness
from benchmarks.fidelity.finding import NUMBER, Chart, Finding, at_least
from benchmarks.fidelity.size import XL, told
from benchmarks.fidelity.studio import Studio

LEFTS = (0, 64, 128)
WIDE = (384, 256)
PROMPT = "a red house in the middle, a meadow, daytime, a clear sky"


def measure(studio: Studio, seeds: int = 5) -> Finding:
    """A red house in the middle of a wide picture, of which another part is told to be shown."""
    places = [
        place_of_red(
            [
                studio.paint(PROMPT, seed, checkpoint=XL, size_conditioning=told(*WIDE, left))
                for seed in range(seeds)
            ]
        )
        for left in LEFTS
    ]
    expected = [(WIDE[0] / 2 - left) / 256 for left in LEFTS]
    what = f"{XL} told a crop 128 px to the right: the house moves left by, of the width"
    claims = [at_least(what, places[0] - places[-1], 0.25, NUMBER)]
    chart = Chart(
        "Told crop",
        "left edge of the crop, px of 384",
        "where the house stands, of the width",
        LEFTS,
        {XL: places, "as in a real crop": expected},
    )
    return Finding(claims, chart)


def place_of_red(pictures: Sequence[Image.Image]) -> float:
    """The median over pictures of the mean x of red pixels, 0 (left) .. 1 (right)."""
    places = []
    for picture in pictures:
        columns = redness(picture).sum(0)
        if columns.sum() > 0:
            places.append(
                np.average((np.arange(len(columns)) + 0.5) / len(columns), weights=columns)
            )
    return float(np.median(places)) if places else 0.5
