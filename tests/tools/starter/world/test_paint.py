from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("skia", reason="painting needs the train extra", exc_type=ImportError)

from PIL import Image

from tools.starter.sheet import contact_sheet
from tools.starter.world.paint import Painting, paint
from tools.starter.world.scene import Scene, Thing, scene
from tools.starter.world.sheet import views
from tools.starter.world.vocabulary import (
    ANIMALS,
    COCO_18,
    KINDS,
    PEOPLE,
    PLACES,
    SEGMENTS,
    STYLES,
    TIMES,
    WEATHERS,
)


def put(*things: Thing, place: str = "meadow", time: str = "day", weather: str = "clear") -> Scene:
    return Scene(4, place, time, weather, "plain", things, 0.48, 0.25, False)


def one(
    kind: str, colour: str = "", column: str = "middle", distance: str = "near", pose: str = ""
):
    facts = KINDS[kind]
    x = {"left": 0.19, "middle": 0.5, "right": 0.81}[column]
    return Thing(
        kind, colour or facts.colours[0], column, distance, pose or facts.poses[0], x, 1, 0.3
    )


def colour_of(painting: Painting, segment: str) -> np.ndarray:
    """The mean colour (3) of what is painted on `segment`."""
    assert painting.truth
    return painting.pixels[painting.truth.segments == SEGMENTS.index(segment)].mean(0)


def grown(mask: np.ndarray) -> np.ndarray:
    """`mask` and its neighbours."""
    out = mask.copy()
    for axis in (0, 1):
        out |= np.roll(mask, 1, axis) | np.roll(mask, -1, axis)
    return out


def test_the_same_scene_is_painted_with_the_same_bytes():
    for seed in range(8):
        drawn = replace(scene(seed), style=STYLES[seed])
        first, again = paint(drawn), paint(drawn, truth=False)
        assert first.pixels.tobytes() == again.pixels.tobytes()
        assert first.pixels.tobytes() != paint(replace(drawn, seed=99)).pixels.tobytes()


@pytest.mark.parametrize(("width", "height"), [(192, 192), (1024, 256), (256, 1024), (200, 333)])
def test_every_size_and_shape_is_painted_with_its_truth(width, height):
    for seed, style in enumerate(STYLES):
        painting = paint(replace(scene(seed), style=style), (width, height))
        truth = painting.truth
        assert truth
        assert painting.pixels.shape == (height, width, 3) and painting.pixels.dtype == np.uint8
        assert truth.depth.shape == truth.segments.shape == truth.edges.shape == (height, width)
        assert truth.depth.dtype == np.float32 and truth.normals.dtype == np.float32
        assert truth.depth.min() >= 0 and truth.depth.max() <= 1
        assert np.allclose(np.linalg.norm(truth.normals, axis=-1), 1, atol=1e-4)


def test_a_scene_is_composed_alike_at_every_size():
    drawn = put(one("house", "red", "left"), one("boat", "blue", "right"), place="lake")
    small, large = paint(drawn, (192, 192)).truth, paint(drawn, (768, 768)).truth
    assert small and large
    assert (small.segments == large.segments[2::4, 2::4]).mean() > 0.96


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("time", TIMES)
def test_every_place_time_and_weather_differs_to_the_eye(place, time):
    seen = [paint(put(place=place, time=time, weather=w), truth=False).pixels for w in WEATHERS]
    for i, a in enumerate(seen):
        for b in seen[i + 1 :]:
            assert np.abs(a.astype(int) - b).mean() > 3


@pytest.mark.parametrize("style", STYLES[1:])
def test_a_style_changes_the_whole_picture_and_no_truth(style):
    drawn = replace(scene(9), style="plain")
    plain, styled = paint(drawn), paint(replace(drawn, style=style))
    assert np.abs(plain.pixels.astype(int) - styled.pixels).mean() > 1.5
    assert plain.truth and styled.truth
    assert (plain.truth.segments == styled.truth.segments).all()
    assert (plain.truth.depth == styled.truth.depth).all()


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("kind", [k for k in KINDS if "red" in KINDS[k].colours])
def test_a_red_thing_is_redder_than_a_blue_one_wherever_the_truth_says_it_is(kind, time):
    colours = KINDS[kind].colours
    other = "blue" if "blue" in colours else "yellow"
    place = KINDS[kind].places[0]
    red = colour_of(paint(put(one(kind, "red"), place=place, time=time)), kind)
    not_red = colour_of(paint(put(one(kind, other), place=place, time=time)), kind)
    assert red[0] > red[1] + 15 and red[0] > red[2]
    assert red[1] + red[2] < not_red[1] + not_red[2] - 20


def test_a_painted_thing_stands_in_its_column_and_is_larger_near():
    for column, low, high in (("left", 0, 0.4), ("middle", 0.35, 0.65), ("right", 0.6, 1)):
        near, far = (paint(put(one("house", "red", column, d))).truth for d in ("near", "far"))
        assert near and far
        for truth in (near, far):
            assert low < np.nonzero(truth.things == 1)[1].mean() / 256 < high
        assert (near.things == 1).sum() > 2.5 * (far.things == 1).sum()
        assert near.depth[near.things == 1].max() < far.depth[far.things == 1].min()


def test_where_two_things_overlap_the_nearer_one_is_seen():
    wide, behind = one("horse", "black"), replace(one("house", "red", "left", "far"), x=0.5)
    both, house = paint(put(behind, wide)).truth, paint(put(behind)).truth
    horse = paint(put(wide)).truth
    assert both and house and horse
    overlap = (house.things == 1) & (horse.things == 1)
    assert overlap.sum() > 50
    assert (both.things[overlap] == 2).all()
    assert both.depth[overlap].max() < house.depth[overlap].min()


def test_depth_grows_up_the_ground_to_one_at_the_sky():
    truth = paint(put()).truth
    assert truth
    ground = truth.segments == SEGMENTS.index("ground")
    column = truth.depth[ground[:, 128], 128]
    assert (np.diff(column) < 0).all() and column[-1] < 0.01
    assert (truth.depth[truth.segments == 0] == 1).all()
    assert truth.normals[-1, 128] == pytest.approx([0, 1, 0])


@pytest.mark.parametrize("kind", PEOPLE + ANIMALS)
def test_joints_lie_in_the_one_they_belong_to(kind):
    for pose in KINDS[kind].poses:
        for facing in (1, -1):
            drawn = put(replace(one(kind, pose=pose), facing=facing))
            truth = paint(drawn, (384, 384)).truth
            assert truth
            [found] = truth.poses
            assert found.visible is not None
            inside = np.isfinite(found.joints[:, 0])
            assert len(found.joints) == len(found.names) == (18 if kind in PEOPLE else 13)
            assert (found.visible[~inside] == 0).all() and inside.sum() >= 9
            assert (found.visible[inside] == 2).mean() > 0.9, (kind, pose)


def test_the_right_hand_is_at_the_viewers_left_and_a_waving_one_is_up():
    truth = paint(put(one("woman", "red", pose="waving"))).truth
    assert truth
    joints = dict(zip(COCO_18, truth.poses[0].joints, strict=True))
    assert joints["right_wrist"][0] < joints["left_wrist"][0]
    assert joints["right_wrist"][1] < joints["nose"][1] < joints["neck"][1]


def test_a_joint_behind_something_else_is_marked_so():
    woman = replace(one("woman", "red", distance="far"), x=0.5)
    alone, hidden = paint(put(woman)).truth, paint(put(woman, one("house", "blue"))).truth
    assert alone and hidden
    before, after = alone.poses[0].visible, hidden.poses[0].visible
    assert before is not None and after is not None
    assert (before == 2).all() and (after == 1).sum() > 3


@pytest.mark.parametrize("place", ["sea", "lake"])
def test_water_shows_a_boat_again_below_it(place):
    with_boat = paint(put(one("boat", "red", distance="far"), place=place))
    without = paint(put(place=place))
    truth = with_boat.truth
    assert truth
    boat = truth.things == 1
    foot = np.nonzero(boat)[0].max()
    changed = np.abs(with_boat.pixels.astype(int) - without.pixels).max(-1) > 12
    reflection = changed & ~grown(boat)
    rows = np.nonzero(reflection)[0]
    assert reflection.sum() > 0.3 * boat.sum()
    assert (rows >= foot - 3).mean() > 0.9
    assert (truth.segments[reflection] == SEGMENTS.index("water")).mean() > 0.9


def test_still_water_shows_what_stands_on_the_far_shore():
    red, bare = (
        paint(put(*t, place="lake")) for t in ((one("castle", "red", distance="far"),), ())
    )
    truth = red.truth
    assert truth
    water = truth.segments == SEGMENTS.index("water")
    change = red.pixels.astype(int)[water] - bare.pixels[water]
    moved = np.abs(change).max(-1) > 25
    assert moved.sum() > 150
    assert change[moved][:, 0].mean() > change[moved][:, 2].mean() + 20


@pytest.mark.parametrize("facing", [1, -1])
def test_shadows_fall_away_from_the_sun(facing):
    thing = replace(one("pine", "green"), facing=facing)
    for sun, sign in ((0.2, 1), (0.8, -1)):
        drawn = replace(put(thing, time="sunset", place="snowfield"), sun_x=sun)
        shone = paint(drawn)
        assert shone.truth
        bare = paint(replace(drawn, things=()))
        darker = bare.pixels.astype(int).sum(-1) - shone.pixels.astype(int).sum(-1) > 40
        shadow = darker & (shone.truth.things == 0)
        assert shadow.sum() > 100
        assert sign * (np.nonzero(shadow)[1].mean() - 128) > 8


def test_edges_are_the_outlines_of_the_parts():
    truth = paint(put(one("house", "red"))).truth
    assert truth
    ids = truth.segments.astype(int)
    border = np.zeros_like(ids, bool)
    border[1:] |= ids[1:] != ids[:-1]
    border[:, 1:] |= ids[:, 1:] != ids[:, :-1]
    lines = truth.edges > 60
    assert grown(lines)[border].mean() > 0.97
    assert 0.01 < lines.mean() < 0.12


def test_a_sheet_shows_the_picture_and_five_truths():
    shown = views(paint(scene(4)))
    assert len(shown) == 6 and {v.shape for v in shown} == {(256, 256, 3)}
    sheet = contact_sheet([Image.fromarray(view) for view in shown], 3)
    assert sheet.size == (768, 512)
