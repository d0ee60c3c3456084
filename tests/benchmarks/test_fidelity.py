"""What the proof of the pictures measures, and that it goes the whole way with any models."""

from collections.abc import Mapping
from functools import partial

import pytest

pytest.importorskip("skia", reason="painting needs the train extra", exc_type=ImportError)

from PIL import Image, ImageFilter

from benchmarks import fidelity
from benchmarks.fidelity import (
    accuracy,
    crop,
    embedding,
    guidance,
    hypernetwork,
    loras,
    negative,
    seeds,
    size,
    steps,
    vaes,
    weight,
)
from benchmarks.fidelity.colour import redness
from benchmarks.fidelity.finding import Chart, Finding, Row, at_least, at_most, same
from benchmarks.fidelity.page import DOCS, keep_in
from benchmarks.fidelity.plots import draw
from benchmarks.fidelity.round_trip import psnr
from benchmarks.fidelity.scenes import another, painted, unseen
from benchmarks.fidelity.seeds import diversity
from benchmarks.fidelity.sheet import contact_sheet
from benchmarks.fidelity.size import sharpness
from benchmarks.fidelity.steps import nears
from benchmarks.fidelity.studio import Studio
from benchmarks.fidelity.style import distance, look
from tools.starter.world.guests import GUESTS, paint_guest
from tools.starter.world.questions import asked, questions

FEW: Mapping[str, fidelity.Experiment] = {
    "guidance": partial(guidance.measure, prompts=2),
    "negative": partial(negative.measure, seeds=2),
    "weight": partial(weight.measure, seeds=1),
    "seeds": partial(seeds.measure, prompts=1, seeds=4),
    "steps": partial(steps.measure, counts=(1, 2, 3, 4), reference=5),
    "loras": partial(loras.measure, prompts=1, repaintings=1),
    "embedding": partial(embedding.measure, prompts=1),
    "hypernetwork": partial(hypernetwork.measure, prompts=2),
    "accuracy": partial(accuracy.measure, prompts=1, scenes=2),
    "size": partial(size.measure, prompts=1),
    "crop": partial(crop.measure, seeds=1),
    "vae": partial(vaes.measure, scenes=2),
}


def plain(colour: str) -> Image.Image:
    return Image.new("RGB", (64, 64), colour)


def test_a_claim_holds_at_its_bound_and_not_beyond():
    assert at_least("x", 0.92, 0.92).holds and not at_least("x", 0.9199, 0.92).holds
    assert at_most("x", 0.1, 0.1).holds and not at_most("x", 0.11, 0.1).holds
    assert str(at_least("x", 0.5, 0.92)).endswith("NO")


def test_one_pixel_is_enough_for_two_pictures_to_differ():
    other = plain("red")
    other.putpixel((3, 3), (254, 0, 0))
    assert same("x", plain("red"), plain("red")).holds
    assert not same("x", plain("red"), other).holds


def test_the_painted_scenes_are_those_that_are_asked_for():
    assert [asked(drawn) for drawn in unseen(20)] == [each.wanted for each in questions(20)]


def test_another_scene_of_the_same_words_is_another_picture():
    [drawn] = unseen(1)
    other = another(drawn, 1)
    assert other.attributes == drawn.attributes
    assert diversity([painted(drawn), painted(other)]) > 5


def test_pictures_that_are_the_same_have_no_diversity():
    assert diversity([plain("red"), plain("red"), plain("red")]) == 0
    assert diversity([plain("black"), plain("white")]) == pytest.approx(255)


def test_red_is_neither_brown_nor_pink_nor_white():
    assert redness(plain("#e02020")).mean() > 0.5
    for colour in ("white", "black", "#885838", "#f692ba", "#3264d0"):
        assert redness(plain(colour)).mean() < 0.25, colour


@pytest.mark.parametrize("style", GUESTS)
def test_a_style_is_near_to_itself_and_far_from_plain_scenes(style):
    drawn = unseen(2)
    bare = look([painted(each) for each in drawn])
    once, again = (
        look([Image.fromarray(paint_guest(another(each, k), style)) for each in drawn])
        for k in (1, 2)
    )
    assert distance(once, again) < 0.2 * distance(once, bare)


def test_a_soft_picture_is_less_sharp():
    [drawn] = unseen(1)
    picture = painted(drawn)
    soft = picture.filter(ImageFilter.GaussianBlur(2))
    assert sharpness([soft]) < 0.5 * sharpness([picture])


def test_where_red_stands_is_measured():
    picture = plain("green")
    picture.paste("red", (48, 0, 64, 64))
    assert crop.place_of_red([picture]) == pytest.approx(56 / 64)


def test_equal_pictures_have_no_noise_between_them():
    assert psnr(plain("red"), plain("red")) == float("inf")
    assert psnr(plain("black"), plain("white")) == pytest.approx(0)


def test_more_steps_come_nearer_until_only_rounding_is_left():
    assert nears([10, 20, 30]) and nears([10, 45, 44])
    assert not nears([10, 30, 20])


def test_rows_of_one_title_are_one_row_of_the_sheet():
    tiles = [("a", plain("red").resize((256, 256)))]
    one = contact_sheet([Row("A", "", tiles)])
    assert contact_sheet([Row("A", "", tiles), Row("A", "", tiles)]).size == one.size
    assert contact_sheet([Row("A", "", tiles), Row("B", "", tiles)]).height == 2 * one.height


@pytest.mark.parametrize("x", [(0.0, 1.0), ("snow", "fog")])
def test_a_plot_names_its_lines_and_is_the_same_every_time(x, tmp_path):
    chart = Chart("Title", "what", "how much", x, {"ours": (0.2, 0.9)}, {"chance": 0.1}, share=True)
    for name in ("a.svg", "b.svg"):
        draw(chart, tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert all(word in text for word in ("Title", "ours", "chance"))
    assert (tmp_path / "b.svg").read_text() == text


def test_the_table_is_kept_between_its_marks_and_nothing_else_changes(tmp_path):
    before = (DOCS / "fidelity.md").read_text(encoding="utf-8")
    page = tmp_path / "fidelity.md"
    page.write_text(before, encoding="utf-8")
    for figure in (0.5, 0.75):
        keep_in(page, [at_least("hits", figure, 0.6)], "2 pictures.")
    after = page.read_text(encoding="utf-8")
    assert "| hits | 75.0% | at least 60.0% | yes |" in after and "50.0%" not in after
    head, tail = before.split("<!-- table -->")[0], before.split("<!-- end of table -->")[1]
    assert after.startswith(head) and after.endswith(tail)


def test_every_experiment_is_on_the_page():
    page = (DOCS / "fidelity.md").read_text(encoding="utf-8")
    assert all(f"fidelity/{name}.svg" in page for name in fidelity.EXPERIMENTS)


def test_what_is_not_there_is_a_line_and_the_rest_goes_on(tmp_path, untrained_probe):
    (tmp_path / "starter").mkdir()
    studio = Studio(tmp_path, untrained_probe)
    experiments = {"vae": vaes.measure, "other": lambda _: Finding([at_least("x", 1, 0)], CHART)}
    lines = fidelity.run(tmp_path, studio=studio, experiments=experiments)
    first, second, _ = (next(lines) for _ in range(3))
    assert first.startswith("There is no VAE called starter-fine.") and first.endswith("NO")
    assert second.endswith("yes") and (tmp_path / "other.svg").exists()
    with pytest.raises(SystemExit, match="1 of 2 claims do not hold"):
        next(lines)


CHART = Chart("Title", "", "", (0.0, 1.0), {"ours": (0.0, 1.0)})


@pytest.mark.slow
def test_every_experiment_is_done_with_models_that_learnt_nothing(
    tmp_path, untrained, untrained_probe
):
    assert FEW.keys() == fidelity.EXPERIMENTS.keys()
    studio = Studio(untrained, untrained_probe, steps=1)
    lines = []
    with pytest.raises(SystemExit, match="claims do not hold"):
        for line in fidelity.run(tmp_path, studio=studio, experiments=FEW):
            lines.append(line)
    assert not [line for line in lines if "not there" in line or "There is no" in line]
    bytes_equal = [line for line in lines if "same bytes" in line]
    assert len(bytes_equal) == 6 and all(line.endswith("yes") for line in bytes_equal)
    assert all((tmp_path / f"{name}.svg").exists() for name in FEW)
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (1104, 8 * 364)
