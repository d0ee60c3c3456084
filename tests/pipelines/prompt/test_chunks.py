"""Prompts of any length, in chunks of 75 tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.prompt.attention import parse_attention
from pipelines.prompt.chunks import CHUNK, Chunk, chunk, count_tokens, even_out
from pipelines.prompt.tokenizer import BOS, EOS, tokenizer

PROMPTS = st.lists(
    st.sampled_from(
        ["cat", "dreambeach", ",", "(", ")", "[", ":1.3)", "BREAK", "a red house", "🎨", "!!"]
    ),
    max_size=300,
).map(" ".join)


def words(count):
    """A prompt of that many tokens."""
    return " ".join(["cat"] * count)


def counts(text):
    return count_tokens(text, tokenizer())


def test_a_short_prompt_is_one_chunk_with_its_weights():
    (only,) = chunk("a (cat:1.5)", tokenizer())
    assert only == Chunk(ids=(320, 2368), weights=(1.0, 1.5))


def test_an_empty_prompt_is_one_empty_chunk():
    assert chunk("", tokenizer()) == [Chunk()]


def test_a_padded_chunk_is_what_the_encoder_reads():
    ids, weights = Chunk(ids=(320, 2368), weights=(1.0, 1.5)).padded(pad=0)
    assert ids == [BOS, 320, 2368, EOS] + [0] * 73
    assert weights == [1.0, 1.0, 1.5] + [1.0] * 74


def test_a_full_chunk_still_ends_with_eos():
    (only,) = chunk(words(75), tokenizer())
    ids, weights = only.padded(pad=EOS)
    assert (len(ids), len(weights)) == (77, 77)
    assert (ids[0], ids[-1]) == (BOS, EOS)


def test_the_76th_token_starts_a_new_chunk():
    assert counts(words(75)) == [75]
    assert counts(words(76)) == [75, 1]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (55, 30, [56, 30]),  # the comma is the 56th of 75: 20 from the end
        (54, 30, [75, 10]),  # one further away: too far to go back
        (74, 30, [75, 30]),  # the comma is the last that fits
        (75, 30, [75, 31]),  # the comma itself no longer fits and moves on alone
        (60, 14, [75]),  # all of it fits
    ],
)
def test_a_full_chunk_breaks_after_a_comma_among_its_last_twenty(before, after, expected):
    assert counts(f"{words(before)}, {words(after)}") == expected


def test_break_fills_up_the_chunk():
    assert counts("a red house BREAK a meadow") == [3, 2]
    assert counts("(a red house BREAK a meadow:1.2)") == [3, 2]


def test_break_at_the_ends_and_twice_in_a_row():
    assert counts("BREAK a cat") == [0, 2]
    assert counts("a cat BREAK") == [2]
    assert counts("a cat BREAK BREAK a dog") == [2, 0, 2]


def test_break_after_exactly_75_tokens_adds_no_empty_chunk():
    assert counts(f"{words(75)} BREAK a cat") == [75, 2]


def test_a_weight_reaches_over_the_border_of_two_chunks():
    first, second = chunk(f"({words(80)}:1.5)", tokenizer())
    assert set(first.weights + second.weights) == {1.5}


def test_the_shorter_prompt_gains_empty_chunks():
    long, short = chunk(words(200), tokenizer()), chunk("cat", tokenizer())
    assert even_out(long, short) == (long, [*short, Chunk(), Chunk()])
    assert even_out(short, long) == ([*short, Chunk(), Chunk()], long)
    assert even_out(short, short) == (short, short)


@settings(max_examples=100, deadline=None)
@given(PROMPTS | st.text(max_size=300))
def test_every_token_is_in_one_chunk_once_and_in_order(text):
    chunks = chunk(text, tokenizer())
    expected = [
        (token, weight)
        for stretch in parse_attention(text)
        for words, weight in stretch
        for token in tokenizer().encode(words)
    ]
    got = [pair for each in chunks for pair in zip(each.ids, each.weights, strict=True)]
    assert got == expected
    assert chunks
    assert all(len(each.ids) <= CHUNK for each in chunks)
    assert counts(text) == [len(each.ids) for each in chunks]
