"""The stream of small values that tells what happens to a job."""

from typing import get_args

import pytest
from pydantic import ValidationError

from pipelines import events
from pipelines.events import EVENTS, Event, Failed, Loading, Saved, Step

UNION, _ = get_args(Event)
SAMPLES = [
    events.Skipped(picture="20260101-000000-001-1"),
    Loading(what="painter", done=1, total=3),
    events.Encoding(),
    Step(i=1, n=20),
    events.Decoding(),
    events.Notice(message="The picture was decoded in tiles."),
    Saved(picture="20261120-213000-7", index=0, count=4),
    Failed(kind="StorageError", message="The disk is full.", cure="Free some space."),
    events.Cancelled(),
    events.Finished(seconds=1.5),
]


def test_every_kind_of_event_is_tried_below():
    assert {type(event) for event in SAMPLES} == set(get_args(UNION))


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_an_event_comes_back_from_its_json(event):
    assert EVENTS.validate_json(event.model_dump_json()) == event


@pytest.mark.parametrize("event", SAMPLES, ids=lambda event: event.type)
def test_an_event_cannot_be_changed(event):
    with pytest.raises(ValidationError):
        event.type = "other"


def test_a_preview_travels_beside_the_json_and_not_in_it():
    step = Step(i=1, n=20, preview=b"\xff\xd8jpeg")
    assert "preview" not in step.model_dump()
    assert EVENTS.validate_json(step.model_dump_json()) == Step(i=1, n=20)
    assert "jpeg" not in repr(step)


@pytest.mark.parametrize("data", [{}, {"type": "exploded"}, {"type": "step", "i": 1}, [], None])
def test_what_is_no_event_is_refused(data):
    with pytest.raises(ValidationError):
        EVENTS.validate_python(data)
