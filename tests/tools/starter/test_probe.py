"""The judge that ships: right about pictures whose truth is known."""

from itertools import count, islice
from pathlib import Path

import pytest

pytest.importorskip("skia", reason="painting needs the train extra", exc_type=ImportError)

from PIL import Image

import tools.starter
from tools.starter.learn.measure import measure
from tools.starter.learn.probe import load_probe
from tools.starter.world.paint import paint
from tools.starter.world.questions import UNSEEN, questions
from tools.starter.world.scene import scene

WEIGHTS = Path(tools.starter.__file__).parent / "probe.safetensors"
ASKED = questions(32)


@pytest.fixture(scope="module")
def painted() -> list[Image.Image]:
    """What each question asks for, as the painted world shows it."""
    drawn = (scene(seed, held_out=True) for seed in count(UNSEEN))
    asked_for = islice((one for one in drawn if one.things), len(ASKED))
    return [Image.fromarray(paint(one, truth=False).pixels) for one in asked_for]


def test_a_painter_who_obeys_scores_high_and_one_who_ignores_the_prompt_low(painted):
    probe = load_probe(WEIGHTS)
    obedient = measure(painted, ASKED, probe)
    assert obedient["all"] > 0.95
    assert min(obedient.values()) > 0.8
    astray = measure([*painted[1:], painted[0]], ASKED, probe)
    assert astray["all"] < 0.5


def test_the_judge_is_small():
    assert WEIGHTS.stat().st_size < 5_000_000
