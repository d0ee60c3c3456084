"""The negative prompt: what it names goes."""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image

from benchmarks.fidelity.finding import Chart, Finding, Row, at_least, at_most
from benchmarks.fidelity.studio import Studio


class Open(NamedTuple):
    """A prompt that leaves something open, what the probe may see there, and words against it."""

    prompt: str
    value: str
    negative: str


CASES = (
    Open("a red house in the middle, a meadow, daytime", "clear", "a clear sky, clear weather"),
    Open("a boat in the middle, a lake, stained glass, watercolour", "stained glass",
         "stained glass, stained glass window"),
    Open("the sea, daytime, a clear sky", "boat", "boat, sailing boat"),
)  # fmt: skip


def measure(studio: Studio, seeds: int = 6) -> Finding:
    """Each prompt without and with words against what is open."""
    without, with_, claims, tiles = [], [], [], []
    for case in CASES:
        bare = [studio.paint(case.prompt, seed) for seed in range(seeds)]
        kept = [
            studio.paint(case.prompt, seed, negative_prompt=case.negative) for seed in range(seeds)
        ]
        without.append(studio.share(bare, case.value))
        with_.append(studio.share(kept, case.value))
        claims += [
            at_least(f"{case.value} where nothing is said of it", without[-1], 0.3),
            at_most(
                f"{case.value} in the negative prompt: what is left",
                with_[-1] / max(without[-1], 0.01),
                0.35,
            ),
        ]
        tiles += _pair(studio, case, bare, kept)
    chart = Chart(
        "Negative prompt",
        "",
        "pictures that show it",
        [case.value for case in CASES],
        {"nothing said": without, "in the negative prompt": with_},
        share=True,
    )
    return Finding(claims, chart, Row("Negative prompt", "", tiles[2:]))


def _pair(
    studio: Studio, case: Open, bare: list[Image.Image], kept: list[Image.Image]
) -> list[tuple[str, Image.Image]]:
    """The first two pictures of a seed that show the effect, else the first two."""
    shown = [case.value in seen.values() for seen in studio.see(bare)]
    gone = [case.value not in seen.values() for seen in studio.see(kept)]
    best = max(range(len(bare)), key=lambda seed: (shown[seed] and gone[seed], -seed))
    return [(case.prompt, bare[best]), (f"without: {case.negative}", kept[best])]
