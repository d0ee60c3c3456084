"""The weight of a LoRA against the distance to the style it was taught."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from PIL import Image

from benchmarks.fidelity.finding import NUMBER, Chart, Claim, Finding, Row, at_most, not_done, same
from benchmarks.fidelity.scenes import another, unseen
from benchmarks.fidelity.studio import Studio
from benchmarks.fidelity.style import distance, look
from tools.starter.learn.extras.make import LORAS
from tools.starter.world.guests import paint_guest
from tools.starter.world.scene import Scene
from tools.starter.world.words import caption

EXAMPLE = "a pink castle in the middle, a brown cow standing on the right, a lake, daytime, clouds"
WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.25)


def measure(studio: Studio, prompts: int = 4, repaintings: int = 3) -> Finding:
    """Plain prompts with each LoRA at each weight. The distance without it is 1."""
    scenes = [replace(drawn, style="plain") for drawn in unseen(prompts)]
    asked = [caption(drawn) for drawn in scenes]
    bare = [studio.paint(prompt, seed) for seed, prompt in enumerate(asked)]
    claims, lines, tiles = [], {}, [("without", studio.paint(EXAMPLE, 1))]
    for name in LORAS:
        if not studio.has("lora", name):
            claims.append(not_done(f"{name} is not there"))
            continue
        goal, again = (look(_guests(scenes, name, first, repaintings)) for first in (1, 100))
        whole, among = distance(look(bare), goal), distance(again, goal)
        made = [_tagged(studio, asked, f"<lora:{name}:{weight:g}>") for weight in WEIGHTS]
        lines[name] = [1.0, *(distance(look(pictures), goal) / whole for pictures in made)]
        none = studio.paint_afresh(f"{asked[0]} <lora:{name}:0>", 0)
        claims += [
            same(f"{name} at 0: the picture without it", none, bare[0]),
            _falls(f"{name}: distance to its style from 0 to 1", lines[name][:5]),
            at_most(f"{name}: of painted scenes among themselves", among / whole, 0.2, NUMBER),
        ]
        tiles.append((name, studio.paint(f"{EXAMPLE} <lora:{name}:1>", 1)))
    chart = Chart("LoRAs", "weight", "distance to the style", (0.0, *WEIGHTS), lines)
    return Finding(claims, chart, Row("LoRAs: styles that were added", EXAMPLE, tiles))


def _falls(what: str, line: Sequence[float]) -> Claim:
    """That the more of a LoRA there is, the nearer its style, and that 1 halves the way."""
    falls = all(more > less for more, less in pairwise(line))
    return Claim(what, f"1 to {line[-1]:.2f}", "falls, to 0.5", falls and line[-1] <= 0.5)


def _tagged(studio: Studio, asked: Sequence[str], tag: str) -> list[Image.Image]:
    return [studio.paint(f"{prompt} {tag}", seed) for seed, prompt in enumerate(asked)]


def _guests(scenes: Sequence[Scene], style: str, first: int, count: int) -> list[Image.Image]:
    """The scenes painted in a guest style, `count` times each."""
    return [
        Image.fromarray(paint_guest(another(drawn, number), style))
        for drawn in scenes
        for number in range(first, first + count)
    ]
