"""Steps and samplers against what they tend to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from benchmarks.fidelity.finding import DECIBELS, Chart, Claim, Finding, Row, at_least, at_most
from benchmarks.fidelity.round_trip import psnr
from benchmarks.fidelity.studio import Studio

EXACT = ("Euler", "Heun", "DPM++ 2M", "UniPC")
"""These solve one differential equation: all tend to the same picture."""
STOCHASTIC = ("Euler a", "DPM++ 2M SDE")
"""These add noise on the way: each has only itself to tend to."""
RESTLESS = "Euler a"
"""Its noise depends on the number of steps, so it tends to nothing."""
FLOOR = 40.0
"""In dB: what is nearer than that is told apart by the rounding of bfloat16 alone."""
COUNTS = (5, 10, 20, 40)
REFERENCE = 100
PROMPT = "a yellow lighthouse on the right, a white boat on the left, the sea, sunset, a clear sky"


def measure(
    studio: Studio, counts: tuple[int, ...] = COUNTS, reference: int = REFERENCE
) -> Finding:
    """One recipe by each sampler, all on Karras' noise levels, with few steps to many."""

    def paint(sampler: str, steps: int):
        return studio.paint(PROMPT, 3, sampler=sampler, schedule="Karras", steps=steps)

    common = paint("Heun", reference)
    goals = dict.fromkeys(EXACT, common) | {s: paint(s, reference) for s in STOCHASTIC}
    rates = {s: [psnr(paint(s, steps), goal) for steps in counts] for s, goal in goals.items()}
    claims = [
        Claim(
            f"{sampler}: more steps come nearer to {_its_goal(sampler)}",
            f"{rate[0]:.0f} to {rate[-1]:.0f} dB",
            "nearer",
            nears(rate),
        )
        for sampler, rate in rates.items()
        if sampler != RESTLESS
    ]
    claims += [
        at_most(f"{RESTLESS}: more steps keep changing it", rates[RESTLESS][-1], 25.0, DECIBELS),
        at_least("DPM++ 2M, 20 steps: against the reference", rates["DPM++ 2M"][2], 30.0, DECIBELS),
    ]
    chart = Chart(
        "Samplers",
        "steps",
        "PSNR in dB",
        counts,
        {s if s in EXACT else f"{s} (its own)": rate for s, rate in rates.items()},
    )
    tiles = [(f"DPM++ 2M, {steps} steps", paint("DPM++ 2M", steps)) for steps in counts]
    return Finding(claims, chart, Row("Steps: how long a picture is worked on", PROMPT, tiles))


def nears(rates: Sequence[float]) -> bool:
    """Whether each is more than the one before, or as good as exact."""
    return all(less < more or more > FLOOR for less, more in pairwise(rates))


def _its_goal(sampler: str) -> str:
    return f"{REFERENCE} of Heun" if sampler in EXACT else f"{REFERENCE} of its own"
