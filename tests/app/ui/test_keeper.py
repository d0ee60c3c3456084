"""What is typed arrives in the end, once, in order, and is written over by nobody."""

from typing import Any

import pytest

from tests.node import NODE, node

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")

STAGE = """
    import { Keeper } from "./keeper.js";
    const sent = [], filled = [];
    let answers = [];
    const keeper = new Keeper(
      { shared: { prompt: "", negative: "" }, one: { steps: 20 } },
      {
        send: async (form, body, leaving) => {
          sent.push([form, body, leaving]);
          return answers.shift() ?? { version: sent.length };
        },
        fill: (values, kept) => filled.push(values),
      },
    );
    const kept = (version, prompt, steps) =>
      ({ version, tabs: { shared: { values: { prompt } }, one: { values: { steps } } } });
"""


def play(script: str) -> Any:
    """What the script leaves in `sent` and `filled`."""
    end = "console.log(JSON.stringify({ sent, filled, held: keeper.values() })); process.exit(0);"
    return node(f"{STAGE} {script} {end}")


def test_changes_of_one_form_go_together_and_only_the_last_of_each_field() -> None:
    said = play(
        """
        for (const text of ["a", "a b", "a boat"]) keeper.changed("shared", "prompt", text);
        keeper.changed("shared", "negative", "fog");
        keeper.changed("one", "steps", 7);
        keeper.changed("one", "steps", 7);
        await keeper.flush();
        await keeper.flush();
        """
    )
    assert said["sent"] == [
        ["shared", {"values": {"prompt": "a boat", "negative": "fog"}}, False],
        ["one", {"values": {"steps": 7}}, False],
    ]


def test_what_did_not_arrive_is_sent_again_but_never_over_what_came_later() -> None:
    said = play(
        """
        answers = [{}, { status: 507 }];
        keeper.changed("shared", "prompt", "lost once");
        keeper.changed("shared", "negative", "fog");
        await keeper.flush();
        keeper.changed("shared", "prompt", "newer");
        await keeper.flush();
        await keeper.flush();
        """
    )
    whole = {"prompt": "newer", "negative": "fog"}
    assert [body["values"] for _, body, _ in said["sent"][1:]] == [whole, whole]


def test_what_cannot_be_kept_is_left_out_and_holds_up_nothing() -> None:
    said = play(
        """
        answers = [{ status: 422, error: { field: "prompt" } }, { version: 2 }, { status: 404 }];
        keeper.changed("shared", "prompt", "far too long");
        keeper.changed("shared", "negative", "fog");
        await keeper.flush();
        await keeper.flush();
        keeper.changed("one", "steps", 3);
        await keeper.flush();
        await keeper.flush();
        """
    )
    assert [(form, body["values"]) for form, body, _ in said["sent"]] == [
        ("shared", {"prompt": "far too long", "negative": "fog"}),
        ("shared", {"negative": "fog"}),
        ("one", {"steps": 3}),
    ]


def test_a_page_that_is_left_sends_all_at_once_also_what_is_on_its_way() -> None:
    said = play(
        """
        keeper.changed("shared", "prompt", "on its way");
        keeper.flush();
        keeper.changed("shared", "negative", "fog");
        keeper.opened("one", "20261121-000000-001-1");
        keeper.leave();
        """
    )
    assert said["sent"][1:] == [
        ["shared", {"values": {"prompt": "on its way", "negative": "fog"}}, True],
        ["one", {"picture": "20261121-000000-001-1", "values": {}}, True],
    ]


def test_what_the_server_keeps_is_shown_but_not_over_what_it_does_not_know_yet() -> None:
    said = play(
        """
        keeper.changed("shared", "prompt", "mine");
        keeper.takeOver(kept(5, "theirs", 30));
        """
    )
    assert said["filled"] == [{"shared": {}, "one": {"steps": 30}}]
    assert said["held"]["shared"]["prompt"] == "mine"


def test_an_answer_from_before_the_last_change_is_passed_over() -> None:
    said = play(
        """
        answers = [{ version: 9 }];
        keeper.changed("shared", "prompt", "typed while it was asked");
        await keeper.flush();
        keeper.takeOver(kept(8, "older", 20));
        """
    )
    assert said["filled"] == []


def test_what_is_filled_in_is_not_sent_back() -> None:
    said = play(
        """
        keeper.takeOver(kept(1, "theirs", 20));
        keeper.changed("shared", "prompt", "theirs");
        await keeper.flush();
        """
    )
    assert (said["sent"], said["filled"]) == ([], [{"shared": {"prompt": "theirs"}}])


def test_unknown_fields_and_forms_are_passed_over() -> None:
    said = play(
        """
        keeper.takeOver({ version: 1, tabs: {
          other: { values: { a: 1 } }, shared: { values: { gone: "x", prompt: "known" } },
        } });
        """
    )
    assert said["filled"] == [{"shared": {"prompt": "known"}}]


def test_what_is_changed_while_another_form_is_on_its_way_is_sent_too() -> None:
    said = play(
        """
        keeper.changed("shared", "prompt", "a boat");
        keeper.changed("one", "steps", 7);
        const sending = keeper.flush();
        keeper.changed("one", "steps", 8);
        await sending;
        await keeper.flush();
        """
    )
    assert [body["values"] for form, body, _ in said["sent"] if form == "one"] == [{"steps": 8}]


def test_of_two_answers_the_one_that_was_asked_for_first_may_come_last() -> None:
    said = play(
        """
        keeper.takeOver(kept(6, "newer", 20));
        keeper.takeOver(kept(5, "older", 20));
        """
    )
    assert said["held"]["shared"]["prompt"] == "newer"
