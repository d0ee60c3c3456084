"""The strength of a hypernetwork against what it was taught to put into every picture."""

from __future__ import annotations

from benchmarks.fidelity.embedding import EXAMPLE, ROW, open_prompts
from benchmarks.fidelity.finding import Chart, Finding, Row, at_least, at_most, same
from benchmarks.fidelity.studio import Studio
from tools.starter.learn.extras.make import MOOD, MOOD_MEANS

STRENGTHS = (0.0, 0.35, 0.7, 1.0)


def measure(studio: Studio, prompts: int = 8) -> Finding:
    """The same prompts and seeds at each strength."""
    asked, [goal] = open_prompts(prompts), MOOD_MEANS.values()
    made = {
        strength: [
            studio.paint(f"{prompt} <hypernet:{MOOD}:{strength:g}>", seed)
            for seed, prompt in enumerate(asked)
        ]
        for strength in STRENGTHS
    }
    shares = [studio.share(made[strength], goal) for strength in STRENGTHS]
    claims = [
        same(f"{MOOD} at 0: the picture without it", studio.paint_afresh(asked[0]), made[0.0][0]),
        at_most(f"{goal}, without {MOOD}", shares[0], 0.25),
        at_least(f"{goal}, with {MOOD}", shares[-1], 0.75),
    ]
    chart = Chart(
        "Hypernetwork", "strength", f"pictures that show {goal}", STRENGTHS, {MOOD: shares},
        share=True,
    )  # fmt: skip
    tag = f"<hypernet:{MOOD}:1>"
    tiles = [
        ("without", studio.paint(EXAMPLE, 2)),
        (f"a white ... {tag}", studio.paint(f"{EXAMPLE} {tag}", 2)),
    ]
    return Finding(claims, chart, Row(ROW, EXAMPLE, tiles))
