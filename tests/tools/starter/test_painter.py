import dataclasses

import numpy as np
import pytest

from tools.starter.paint import paint
from tools.starter.scene import COLOURS, GROUNDS, SKIES, STYLES, THINGS, Scene, caption, draw_scene


def captions(scene: Scene, count: int = 60) -> list[str]:
    rng = np.random.default_rng(0)
    return [caption(scene, rng) for _ in range(count)]


def test_the_same_scene_is_painted_with_the_same_pixels():
    scene = draw_scene(7)
    assert paint(scene).tobytes() == paint(draw_scene(7)).tobytes()
    assert paint(scene).tobytes() != paint(dataclasses.replace(scene, seed=8)).tobytes()


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("thing", THINGS)
def test_every_thing_stands_on_every_ground(ground, thing):
    colour = "none" if thing == "none" else "red"
    picture = paint(Scene(3, "night", ground, thing, colour, "painting", "moon"))
    assert picture.size == (256, 256) and picture.mode == "RGB"


@pytest.mark.parametrize("style", STYLES)
def test_a_style_changes_the_whole_picture(style):
    plain = Scene(5, "clear day", "hills", "house", "red", "painting", "sun")
    styled = np.asarray(paint(dataclasses.replace(plain, style=style)), float)
    change = np.abs(styled - np.asarray(paint(plain), float)).mean()
    assert change == 0 if style == "painting" else change > 4


def test_a_red_house_is_red_by_day_and_reddish_by_night():
    for sky in ("clear day", "night"):
        scene = Scene(5, sky, "snow", "house", "red", "painting", "none")
        blue = dataclasses.replace(scene, colour="blue")
        difference = np.asarray(paint(scene), float) - np.asarray(paint(blue), float)
        changed = np.abs(difference).max(-1) > 30
        assert 0.03 < changed.mean() < 0.4
        assert difference[changed][:, 0].mean() > 40 > -40 > difference[changed][:, 2].mean()


def test_scenes_cover_every_attribute():
    scenes = [draw_scene(seed) for seed in range(400)]
    assert {s.sky for s in scenes} == set(SKIES)
    assert {s.ground for s in scenes} == set(GROUNDS)
    assert {s.thing for s in scenes} == set(THINGS)
    assert {s.colour for s in scenes} == {*COLOURS, "none"}
    assert {s.style for s in scenes} == set(STYLES)
    assert all((s.colour == "none") == (s.thing == "none") for s in scenes)


def test_captions_name_what_is_painted_and_nothing_else():
    scene = Scene(1, "night", "desert", "boat", "purple", "pixel art", "moon")
    said = [c for c in captions(scene) if c]
    assert all("house" not in c and "red" not in c.split() and "snow" not in c for c in said)
    assert sum("boat" in c or "ship" in c for c in said) > 0.85 * len(said)
    assert sum("purple" in c or "violet" in c for c in said) > 0.75 * len(said)
    assert sum("pixel" in c for c in said) > 0.8 * len(said)


def test_captions_vary_and_one_in_ten_is_empty():
    many = captions(draw_scene(12), 1000)
    assert len(set(many)) > 200
    assert 60 < many.count("") < 140


def test_an_unpainted_thing_is_never_named():
    scene = Scene(1, "dawn", "sea", "none", "none", "painting", "sun")
    words = {word for text in captions(scene) for word in text.replace(",", "").split()}
    assert not words & {"house", "tree", "boat", "flower", "ship", "none"}
