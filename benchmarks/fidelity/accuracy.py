"""Do the checkpoints paint what is asked? Prompts of combinations that none of them ever learnt."""

from __future__ import annotations

from PIL import Image

from benchmarks.fidelity.finding import Chart, Finding, Row, at_least, not_done
from benchmarks.fidelity.round_trip import round_trip
from benchmarks.fidelity.scenes import painted, unseen
from benchmarks.fidelity.studio import Studio
from tools.starter.world.questions import questions

WANTED = {"starter": 0.92, "starter-v": 0.88, "starter-xl": 0.88}
EXAMPLE = "a purple boat in the middle, a lake, sunset, a clear sky"

ROW = "Checkpoints: three models, and one of them told that its picture was once small"


def measure(studio: Studio, prompts: int = 64, scenes: int = 160) -> Finding:
    """Each checkpoint on the same prompts, beside the probe on painted scenes of such prompts."""
    asked = questions(prompts)
    here = [name for name in WANTED if studio.has("checkpoint", name)]
    rates = {
        name: studio.rates(
            [studio.paint(q.prompt, seed, checkpoint=name) for seed, q in enumerate(asked)], asked
        )
        for name in here
    }
    rates |= _of_the_probe(studio, scenes)
    claims = [at_least(f"accuracy of {name}", rates[name]["all"], WANTED[name]) for name in here]
    claims += [not_done(f"{name} is not there") for name in WANTED if name not in here]
    claims += [
        at_least(f"accuracy of the {which}", rates[which]["all"], 0.95)
        for which in rates
        if which not in here
    ]
    kinds = list(next(iter(rates.values())))
    chart = Chart(
        "Accuracy on prompts never learnt",
        "",
        "right answers",
        kinds,
        {which: [rate[kind] for kind in kinds] for which, rate in rates.items()},
        share=True,
    )
    tiles = [(name, studio.paint(EXAMPLE, 1, checkpoint=name)) for name in here]
    return Finding(claims, chart, Row(ROW, EXAMPLE, tiles))


def _of_the_probe(studio: Studio, scenes: int) -> dict[str, dict[str, float]]:
    """No checkpoint can be found better than the judge finds the painter of the world."""
    asked, pictures = questions(scenes), [painted(drawn) for drawn in unseen(scenes)]
    through: list[Image.Image] = round_trip(studio.models(), pictures)
    return {
        "probe on painted scenes": studio.rates(pictures, asked),
        "probe on them, through the VAE": studio.rates(through, asked),
    }
