from itertools import product

import numpy as np
import pytest

from tools.starter.world.questions import HEADS, asked, grade, labels, questions
from tools.starter.world.scene import HELD_OUT_PAIRS, Scene, Thing, held_out, mirrored, scene
from tools.starter.world.vocabulary import (
    COLOURS,
    COLUMNS,
    KINDS,
    PLACES,
    POSES,
    STYLES,
    TIMES,
    WEATHERS,
)

SCENES = [scene(seed) for seed in range(1500)]


def alone(kind: str, colour: str, time: str, weather: str) -> Scene:
    thing = Thing(kind, colour, "middle", "near", KINDS[kind].poses[0], 0.5, 1, 0.5)
    return Scene(0, KINDS[kind].places[0], time, weather, "plain", (thing,), 0.5, 0.3, False)


def test_the_same_seed_decides_the_same_scene():
    assert [scene(seed) for seed in range(50)] == SCENES[:50]
    assert len({repr(s) for s in SCENES}) == len(SCENES)


def test_scenes_cover_every_word():
    things = [t for s in SCENES for t in s.things]
    assert {s.place for s in SCENES} == set(PLACES)
    assert {s.time for s in SCENES} == set(TIMES)
    assert {s.weather for s in SCENES} == set(WEATHERS)
    assert {s.style for s in SCENES} == set(STYLES)
    assert {t.kind for t in things} == set(KINDS)
    assert {t.colour for t in things} == set(COLOURS)
    assert {t.pose for t in things} == set(POSES)
    assert {len(s.things) for s in SCENES} == {0, 1, 2, 3}


def test_a_thing_has_its_kinds_colours_poses_and_places():
    for s in SCENES:
        for thing in s.things:
            kind = KINDS[thing.kind]
            assert s.place in kind.places
            assert thing.colour in kind.colours
            assert thing.pose in kind.poses
            assert thing.distance == "near" or not kind.small
        assert len({t.column for t in s.things}) == len(s.things)


def test_two_of_a_kind_never_wear_the_same_colour():
    for seed in range(6000):
        drawn = scene(seed, held_out=None)
        assert len({(t.kind, t.colour) for t in drawn.things}) == len(drawn.things)


def test_training_never_sees_a_held_out_combination_and_the_exam_always_does():
    assert not any(map(held_out, SCENES))
    assert all(held_out(scene(seed, held_out=True)) for seed in range(300))
    anything = [held_out(scene(seed, held_out=None)) for seed in range(600)]
    assert 0.1 < np.mean(anything) < 0.45


def test_what_is_held_out_follows_from_the_attributes_alone():
    for colour, kind in HELD_OUT_PAIRS:
        assert held_out(alone(kind, colour, "day", "clear"))
    share = [
        held_out(alone(kind, KINDS[kind].colours[0], time, weather))
        for kind, time, weather in product(KINDS, TIMES, WEATHERS)
        if (KINDS[kind].colours[0], kind) not in HELD_OUT_PAIRS
    ]
    assert 0.06 < np.mean(share) < 0.09


def test_every_colour_time_and_weather_of_every_kind_is_trained_with_others():
    for name, kind in KINDS.items():
        kept = [c for c in kind.colours if (c, name) not in HELD_OUT_PAIRS]
        assert kept
        free = {
            (time, weather)
            for time, weather in product(TIMES, WEATHERS)
            if not held_out(alone(name, kept[0], time, weather))
        }
        assert {time for time, _ in free} == set(TIMES)
        assert {weather for _, weather in free} == set(WEATHERS)


def test_a_mirrored_scene_swaps_left_and_right_and_back():
    for s in SCENES[:50]:
        there = mirrored(s)
        assert there.attributes["left kind"] == s.attributes["right kind"]
        assert there.attributes["middle kind"] == s.attributes["middle kind"]
        assert mirrored(there).attributes == s.attributes


def test_labels_name_the_class_of_every_head():
    for s in SCENES[:100]:
        found = {
            name: values[i] for (name, values), i in zip(HEADS.items(), labels(s), strict=True)
        }
        assert found == s.attributes


def test_only_what_can_be_seen_is_asked():
    for s in SCENES[:200]:
        wanted = asked(s)
        assert wanted.items() <= s.attributes.items()
        for column in COLUMNS:
            assert (f"{column} kind" in wanted) == (s.attributes[f"{column} kind"] != "none")
            assert wanted.get(f"{column} pose") != "none"
            far = s.attributes[f"{column} distance"] == "far"
            assert not (far and f"{column} pose" in wanted)


@pytest.mark.parametrize("hidden", [True, False])
def test_questions_come_from_scenes_of_the_right_side_and_grade_themselves(hidden):
    for question in questions(24, hidden):
        assert question.prompt and all(grade(question.wanted, question).values())
    assert questions(8, hidden) == questions(24, hidden)[:8]
