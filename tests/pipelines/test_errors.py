"""Every error tells the artist what happened and what to do."""

import pickle

import pytest

from pipelines import errors
from pipelines.errors import Cancelled, RequestError, StudioError, UnknownChoice, WrongModel


def leaves(kind):
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))]


ALL = [kind for kind in leaves(StudioError) if kind.__module__ == errors.__name__]


def make(kind):
    if kind is UnknownChoice:
        return kind("sampler", "Eular", ["Euler", "Heun"])
    return kind("The disk is full.", "Free some space.", "size")


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_survives_the_way_between_two_processes(kind):
    error = make(kind)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert copy.to_dict() == error.to_dict()
    assert str(copy) == str(error)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_is_drawn_in_the_tree_of_its_module(kind):
    assert kind.__name__ in (errors.__doc__ or "")


def test_an_error_reads_as_a_sentence_and_a_cure():
    error = RequestError("The seed is odd.", "Use an even one.", "seed")
    assert str(error) == "The seed is odd. Use an even one."
    assert error.to_dict() == {
        "kind": "RequestError",
        "message": "The seed is odd.",
        "cure": "Use an even one.",
        "field": "seed",
    }
    assert WrongModel("a", "b").field is None


def test_a_slip_of_the_pen_gets_a_suggestion():
    error = UnknownChoice("sampler", "Eular", ["Euler", "Heun"])
    assert error.message == "There is no sampler called 'Eular'."
    assert error.cure == "Did you mean 'Euler'?"
    assert error.field == "sampler"


def test_a_name_far_from_all_gets_the_list():
    error = UnknownChoice("schedule", "???", ["Karras", "Normal"])
    assert error.cure == "Choose one of: Karras, Normal."


def test_stopping_is_not_an_error():
    assert not issubclass(Cancelled, StudioError)
