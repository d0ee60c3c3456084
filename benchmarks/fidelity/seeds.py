"""Another seed is another picture of the same words; the same seed is the same picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from PIL import Image

from benchmarks.fidelity.finding import NUMBER, Chart, Finding, Row, at_least, at_most, same
from benchmarks.fidelity.scenes import another, painted, unseen
from benchmarks.fidelity.studio import Studio
from tools.starter.world.questions import questions

EXAMPLE = "a black windmill on the left, a red car on the right, the hills, sunset, clouds"


def measure(studio: Studio, prompts: int = 3, seeds: int = 6) -> Finding:
    """How much pictures of one prompt differ, beside painted scenes of the same words."""
    asked, drawn = questions(prompts), unseen(prompts)
    made = [[studio.paint(q.prompt, seed) for seed in range(seeds)] for q in asked]
    wanted = [[painted(another(each, k)) for k in range(seeds)] for each in drawn]
    ours, theirs = ([diversity(pictures) for pictures in group] for group in (made, wanted))
    ratio = float(np.mean(ours) / np.mean(theirs))
    claims = [
        at_least("seeds: diversity over that of painted scenes", ratio, 0.6, NUMBER),
        at_most("seeds: diversity over that of painted scenes", ratio, 1.6, NUMBER),
        same("seeds: the same one again, by a fresh engine", made[0][0],
             studio.paint_afresh(asked[0].prompt, 0)),
    ]  # fmt: skip
    chart = Chart(
        "Seeds",
        "",
        "difference between pictures, of 255",
        [f"prompt {number}" for number in range(1, prompts + 1)],
        {"starter": ours, "painted scenes of the same words": theirs},
    )
    tiles = [(f"seed {seed}", studio.paint(EXAMPLE, seed)) for seed in range(4)]
    return Finding(claims, chart, Row("Seeds: other pictures of the same words", EXAMPLE, tiles))


def diversity(pictures: Sequence[Image.Image]) -> float:
    """Root mean square difference of two pictures, mean over all pairs, of 255.

    At 32 pixels a side: what is where, and how bright; not where each leaf is.
    """
    small = [
        np.asarray(picture.resize((32, 32), Image.Resampling.BOX), np.float64)
        for picture in pictures
    ]
    return float(np.mean([np.sqrt(np.mean((a - b) ** 2)) for a, b in combinations(small, 2)]))
