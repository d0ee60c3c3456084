"""A textual inversion against what its word was taught to mean."""

from __future__ import annotations

import numpy as np

from benchmarks.fidelity.finding import Chart, Finding, Row, at_least, at_most
from benchmarks.fidelity.scenes import unseen
from benchmarks.fidelity.studio import Studio
from tools.starter.learn.extras.make import WORD, WORD_MEANS
from tools.starter.world.words import brief

EXAMPLE = "a white windmill in the middle, the hills"
ROW = "Embedding and hypernetwork: a word, and a mood, that were taught later"


def open_prompts(count: int) -> list[str]:
    """Prompts that say what stands where and leave time, weather and style open."""
    return [brief(drawn, np.random.default_rng(k)) for k, drawn in enumerate(unseen(count))]


def measure(studio: Studio, prompts: int = 8) -> Finding:
    """The same prompts and seeds without the word and with it."""
    studio.require("embedding", WORD)
    asked = open_prompts(prompts)
    made = {
        which: [studio.paint(before + prompt, seed) for seed, prompt in enumerate(asked)]
        for which, before in (("without", ""), (WORD, f"{WORD}, "))
    }
    goals = {" and ".join(WORD_MEANS.values()): tuple(WORD_MEANS.values())}
    goals |= {value: (value,) for value in WORD_MEANS.values()}
    lines = {
        which: [studio.share(pictures, *goal) for goal in goals.values()]
        for which, pictures in made.items()
    }
    [both, *_] = goals
    claims = [
        at_most(f"{both}, without {WORD}", lines["without"][0], 0.15),
        at_least(f"{both}, with {WORD}", lines[WORD][0], 0.75),
    ]
    chart = Chart("Embedding", "", "pictures that show it", list(goals), lines, share=True)
    tiles = [
        ("without", studio.paint(EXAMPLE, 1)),
        (f"{WORD}, a white ...", studio.paint(f"{WORD}, {EXAMPLE}", 1)),
    ]
    return Finding(claims, chart, Row(ROW, EXAMPLE, tiles))
