"""Events in, a progress bar out: told as a table of a job of two pictures of four steps."""

import pytest

from app.studio.progress import Progress
from pipelines.events import (
    Decoding,
    Encoding,
    Finished,
    Loading,
    Saved,
    Skipped,
    Step,
)


def step(i):
    return Step(i=i, n=4)


def saved(index):
    return Saved(picture="x", index=index, count=2)


# At second, event -> phase, fraction, seconds left.
STORY = [
    (0.0, Loading(what="m", done=0, total=100), "loading", 0.0, None),
    (1.0, Loading(what="m", done=50, total=100), "loading", 0.5, None),
    (2.0, Encoding(), "encoding", 0.0, None),
    (4.0, step(1), "denoising", 0.95 / 8, None),
    (5.0, step(2), "denoising", 0.95 / 4, 2 * 1 + 4 * 1),
    (7.0, step(3), "denoising", 0.95 * 3 / 8, 1 * 1.5 + 4 * 1.5),
    (8.0, step(4), "denoising", 0.95 / 2, 4 * 4 / 3),
    (8.0, Decoding(), "decoding", 0.95 / 2, 4 * 4 / 3),
    (9.0, saved(0), "decoding", 0.5, 7.0),
    (9.5, Encoding(), "encoding", 0.5, 6.5),
    (10.0, step(1), "denoising", 0.5 + 0.95 / 8, 6.0),
    (11.0, step(2), "denoising", 0.5 + 0.95 / 4, 2 * 1 + 1),
    (12.0, step(3), "denoising", 0.5 + 0.95 * 3 / 8, 1 + 1),
    (13.0, step(4), "denoising", 0.5 + 0.95 / 2, 1),
    (13.0, Decoding(), "decoding", 0.5 + 0.95 / 2, 1),
    (14.0, saved(1), "decoding", 1.0, 0.0),
    (14.0, Finished(seconds=14), "decoding", 1.0, 0.0),
]


def test_a_job_of_two_pictures_is_told_step_by_step():
    progress = Progress(count=2)
    assert (progress.phase, progress.fraction) == ("starting", 0.0)
    for now, event, phase, fraction, eta in STORY:
        progress = progress.advance(event, now)
        assert progress.phase == phase, event
        assert progress.fraction == pytest.approx(fraction), event
        assert progress.eta_seconds(now) == pytest.approx(eta), event


def test_the_bar_is_full_when_the_last_picture_is_saved():
    progress = Progress(count=2)
    for now, event, *_ in STORY:
        progress = progress.advance(event, now)
    assert progress.fraction == 1.0


def test_the_bar_never_goes_back_once_the_model_is_loaded():
    progress, before = Progress(count=2), 0.0
    for now, event, *_ in STORY[2:]:
        progress = progress.advance(event, now)
        assert progress.fraction >= before
        before = progress.fraction


def test_a_remembered_picture_fills_its_part_and_tells_nothing_of_the_next_one():
    progress = Progress(count=3)
    for now, event in ((0.0, Encoding()), (10.0, step(1)), (11.0, step(2)), (12.0, step(4))):
        progress = progress.advance(event, now)
    painted = progress.advance(saved(0), 14.0)
    progress = painted.advance(Encoding(), 14.0).advance(step(4), 14.0)
    assert progress.fraction == pytest.approx((1 + 0.95) / 3)
    progress = progress.advance(Decoding(), 14.0).advance(saved(1), 14.1)
    assert progress.fraction == pytest.approx(2 / 3)
    assert progress.picture_seconds == painted.picture_seconds == 14.0
    assert progress.decode_seconds == painted.decode_seconds == 2.0


def test_steps_that_begin_anew_are_timed_anew():
    progress = Progress(count=1)
    for now, event in ((0.0, step(1)), (9.0, step(2)), (20.0, step(1)), (21.0, step(2))):
        progress = progress.advance(event, now)
    assert progress.eta_seconds(21.0) == pytest.approx(2.0)


def test_time_left_runs_down_between_two_events_and_stops_at_nothing():
    progress = Progress(count=1)
    for i, now in enumerate((0.0, 1.0, 2.0), start=1):
        progress = progress.advance(step(i), now)
    assert [progress.eta_seconds(at) for at in (2.0, 2.5, 9.0)] == [1.0, 0.5, 0.0]


def test_a_model_of_unknown_size_shows_an_empty_bar():
    progress = Progress(count=1).advance(Loading(what="m", done=0, total=0), 0.0)
    assert progress.fraction == 0.0


def test_a_skipped_picture_is_over_and_says_nothing_about_the_time_a_picture_takes():
    progress = Progress(count=3)
    for now, event, *_ in STORY[2:9]:
        progress = progress.advance(event, now)
    before = progress.picture_seconds
    progress = progress.advance(Encoding(), 9.0).advance(Skipped(picture="y"), 10.0)
    assert (progress.over, progress.fraction) == (2, pytest.approx(2 / 3))
    assert progress.picture_seconds == before


def test_a_job_that_is_continued_begins_where_it_was():
    assert Progress(count=4, over=3).fraction == 0.75
