"""The attention grammar: brackets that stress words, and BREAK."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.prompt.attention import Part, parse_attention

STRUCTURE = st.text("ab ,()[]\\:.123BREAK-+\n", max_size=60)


def only(text):
    """The parts of a prompt without BREAK."""
    (stretch,) = parse_attention(text)
    return stretch


def escaped(text):
    return re.sub(r"([()\[\]\\])", r"\\\1", text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("normal text", [("normal text", 1.0)]),
        ("an (important) word", [("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
        ("(very:1.3)", [("very", 1.3)]),
        ("[less]", [("less", 1 / 1.1)]),
        ("x (y : .5) z", [("x ", 1.0), ("y ", 0.5), (" z", 1.0)]),
        ("(a:-0.5)", [("a", -0.5)]),
        ("(a:+2)", [("a", 2.0)]),
        ("((a))", [("a", 1.1 * 1.1)]),
        ("((a:2):3)", [("a", 6.0)]),
        ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]),
        ("", []),
        ("()", []),
    ],
)
def test_brackets_weigh_what_they_hold(text, parts):
    assert only(text) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("(unbalanced", [("unbalanced", 1.1)]),
        ("(a:1.2", [("a:1.2", 1.1)]),
        ("a) b]", [("a) b]", 1.0)]),
        ("a:1.2)", [("a:1.2)", 1.0)]),
        ("[x:1.2]", [("x:1.2", 1 / 1.1)]),
        ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
        ("(a:.)", [("a:.", 1.1)]),
        ("(a:)", [("a:", 1.1)]),
        (r"\(literal\]", [("(literal]", 1.0)]),
        (r"\\(a)", [("\\", 1.0), ("a", 1.1)]),
        ("a\\b\\", [("ab", 1.0)]),
        ("time: 10:30", [("time: 10:30", 1.0)]),
    ],
)
def test_what_is_no_group_is_text(text, parts):
    assert only(text) == parts


def test_groups_nest_and_close_at_different_places():
    words, weights = zip(*only("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky)))."), strict=True)
    assert words == ("a ", "house", " ", "on", " a ", "hill", ", sun, ", "sky", ".")
    assert weights == pytest.approx((1, 1.573, 1.1, 1, 1.1, 0.55, 1.1, 1.4641, 1.1))


def test_round_and_square_groups_may_cross():
    assert only("(a [b) c]") == [
        ("a ", 1.1),
        ("b", pytest.approx(1.0)),
        (" c", pytest.approx(1 / 1.1)),
    ]


def test_break_starts_a_new_stretch():
    assert parse_attention("a BREAK b") == [[("a", 1.0)], [("b", 1.0)]]
    assert parse_attention("a\n BREAK \nBREAK") == [[("a", 1.0)], [], []]
    assert parse_attention("BREAKFAST, aBREAK, break") == [[("BREAKFAST, aBREAK, break", 1.0)]]


def test_break_works_inside_a_weighted_group():
    assert parse_attention("(a BREAK b:1.2) c") == [[("a", 1.2)], [("b", 1.2), (" c", 1.0)]]
    assert parse_attention("(x:-1) BREAK y")[0][0] == ("x", -1.0)


@given(st.text(max_size=200) | STRUCTURE)
def test_any_text_is_a_prompt(text):
    for stretch in parse_attention(text):
        assert all(part.text for part in stretch)
        assert all(a.weight != b.weight for a, b in pairwise(stretch))


@given(st.text("abc ,:.12\\()[]é🎨", max_size=60))
def test_escaped_text_comes_back_as_it_was(text):
    assert only(escaped(text)) == ([(text, 1.0)] if text else [])


@given(STRUCTURE)
def test_words_are_neither_lost_nor_invented(text):
    read = [part.text for stretch in parse_attention(text) for part in stretch]
    letters = re.sub(r"[^ab]", "", text)
    assert re.sub(r"[^ab]", "", "".join(read)) == letters


@given(
    words=st.text("abc ,", min_size=1, max_size=10),
    weights=st.lists(st.sampled_from([None, 0.5, 1.2, 2.0]), min_size=1, max_size=5),
)
def test_weights_of_nested_groups_multiply(words, weights):
    text, expected = words, 1.0
    for weight in weights:
        text = f"({text})" if weight is None else f"({text}:{weight})"
        expected *= 1.1 if weight is None else weight
    assert only(text) == [Part(words, pytest.approx(expected))]


@pytest.mark.parametrize(
    "text", ["(a" * 5000, "(a[" * 3333, "(a" * 3333 + ")" * 3333, " " * 10_000, "(: " * 3333]
)
def test_the_longest_hostile_prompts_are_read_at_once(text):
    start = time.perf_counter()
    parse_attention(text)
    assert time.perf_counter() - start < 2
