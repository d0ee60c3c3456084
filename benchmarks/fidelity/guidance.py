"""Guidance against accuracy: 0 ignores the prompt, then it rises, then more changes little."""

from __future__ import annotations

from benchmarks.fidelity.finding import Chart, Finding, Row, at_least, at_most, same
from benchmarks.fidelity.studio import Studio
from tools.starter.world.questions import questions

SCALES = (0.0, 1.0, 2.0, 4.0, 8.0, 12.0)
SHOWN = (0.0, 1.0, 4.0, 8.0)
EXAMPLE = "an orange house on the right, a yellow tree on the left, a meadow, daytime, a clear sky"


def measure(studio: Studio, prompts: int = 16) -> Finding:
    """The same prompts and seeds at each scale."""
    asked = questions(prompts)
    pictures = {
        scale: [studio.paint(q.prompt, seed, guidance_scale=scale) for seed, q in enumerate(asked)]
        for scale in SCALES
    }
    rates = {scale: studio.rates(made, asked)["all"] for scale, made in pictures.items()}
    others = [*asked[1:], asked[0]]
    chance = studio.rates(pictures[0.0], others)["all"]
    other = studio.paint(others[0].prompt, 0, guidance_scale=0.0)
    claims = [
        same("guidance 0: another prompt", pictures[0.0][0], other),
        at_most("guidance 0: accuracy above that for other prompts", rates[0.0] - chance, 0.1),
        at_least("guidance 1: accuracy above that at 0", rates[1.0] - rates[0.0], 0.2),
        at_least("guidance 4: accuracy above that at 1", rates[4.0] - rates[1.0], 0.0),
        at_most(
            "guidance 8: change of accuracy from that at 4", abs(rates[8.0] - rates[4.0]), 0.05
        ),
    ]
    chart = Chart(
        "Guidance",
        "guidance scale",
        "accuracy",
        SCALES,
        {"starter": [rates[scale] for scale in SCALES]},
        {"judged by other prompts": chance},
        share=True,
    )
    tiles = [
        (f"guidance {scale:g}", studio.paint(EXAMPLE, 1, guidance_scale=scale)) for scale in SHOWN
    ]
    title = "Guidance: how closely the words are followed"
    return Finding(claims, chart, Row(title, EXAMPLE, tiles))
