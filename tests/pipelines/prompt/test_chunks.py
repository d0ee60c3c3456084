"""Prompts of any length, in chunks of 75 tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.prompt.attention import parse_attention
from pipelines.prompt.chunks import (
    CHUNK,
    Chunk,
    Place,
    chunk,
    count_tokens,
    even_out,
    named_words,
    word_of,
)
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


def places(text, **vectors):
    """Where embeddings stand, chunk by chunk, and how many tokens each chunk has."""
    chunks = chunk(text, tokenizer(), vectors)
    return [list(each.places) for each in chunks], [len(each.ids) for each in chunks]


def test_an_embedding_takes_a_token_for_each_of_its_vectors_and_its_weight_applies_to_all():
    (only,) = chunk("a (zorple:1.5) cat", tokenizer(), {"zorple": 3})
    assert only.places == (Place(1, "zorple"),)
    assert only.ids == (320, 0, 0, 0, 2368)
    assert only.weights == (1.0, 1.5, 1.5, 1.5, 1.0)


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("zorple", [0]),
        ("ZORPLE, Zorple", [0, 3]),
        ("a cat,zorple!", [3]),
        ("(zorple)zorple", [0, 2]),
        ("zorples unzorple zorple2 zorple_a", []),
        ("(zor)ple", []),
        ("zor BREAK ple", []),
        ("a \\(zorple\\)", [2]),
    ],
)
def test_a_word_is_a_whole_word_in_any_case_within_one_run_of_text(text, starts):
    found, _ = places(text, zorple=2)
    assert [place.start for place in found[0]] == starts


def test_of_several_words_the_longest_counts():
    found, counts = places("by zorple style, zorple", **{"zorple": 2, "zorple style": 4})
    assert found == [[Place(1, "zorple style"), Place(6, "zorple")]]
    assert counts == [8]


def test_a_word_with_brackets_is_written_with_backslashes():
    found, _ = places(r"a cat, zorple \(v2\)", **{"zorple (v2)": 2})
    assert found == [[Place(3, "zorple (v2)")]]


def test_around_a_word_the_text_is_what_it_was():
    before, after = "a red, shiny house's ", ", it's 12 o'clock!!"
    (only,) = chunk(f"{before}zorple{after}", tokenizer(), {"zorple": 1})
    (plain,) = chunk(f"{before}cat{after}", tokenizer())
    assert only.ids[: len(tokenizer().encode(before))] == tuple(tokenizer().encode(before))
    assert [id_ or tokenizer().encode("cat")[0] for id_ in only.ids] == list(plain.ids)


@pytest.mark.parametrize(
    ("before", "vectors", "expected"),
    [
        (70, 5, [75]),  # just fits
        (70, 6, [70, 6]),  # does not: all of it moves
        (75, 1, [75, 1]),
        (0, 75, [75]),
        (1, 75, [1, 75]),
    ],
)
def test_an_embedding_is_never_torn_apart(before, vectors, expected):
    found, counts = places(f"{words(before)} zorple", zorple=vectors)
    assert counts == expected
    assert found[-1] == [Place(expected[-1] - vectors, "zorple")]


def test_what_follows_a_late_comma_moves_with_its_embeddings():
    text = f"{words(60)}, {words(4)} zorple {words(8)}"
    found, counts = places(text, zorple=3)
    assert counts == [61, 15]
    assert found == [[], [Place(4, "zorple")]]


def test_an_embedding_that_finds_a_full_chunk_moves_with_its_thought():
    found, counts = places(f"{words(60)}, {words(14)} zorple", zorple=3)
    assert counts == [61, 17]
    assert found == [[], [Place(14, "zorple")]]


def test_tags_count_nothing_and_embeddings_their_vectors():
    text = "a cat <lora:ink:0.8>, zorple<hypernet:wash:0.5>"
    assert count_tokens(text, tokenizer(), {"zorple": 8}) == [11]
    assert count_tokens("<lora:ink>", tokenizer()) == [0]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["cat", ",", "zorple", "(big", "tiny)", "BREAK"]), max_size=200),
    st.integers(1, 75),
    st.integers(1, 75),
)
def test_vectors_stay_together_in_order_and_none_is_lost(parts, zorple, big):
    text, vectors = " ".join(parts), {"zorple": zorple, "big": big}
    chunks = chunk(text, tokenizer(), vectors)
    found = [place.word for each in chunks for place in each.places]
    assert found == [w.strip("(") for w in parts if w.strip("(") in vectors]
    for each in chunks:
        assert len(each.ids) == len(each.weights) <= CHUNK
        for start, word in each.places:
            stretch = slice(start, start + vectors[word])
            assert each.ids[stretch] == (0,) * vectors[word]
            assert len(set(each.weights[stretch])) == 1
    assert sum(count_tokens(text, tokenizer(), vectors)) == sum(len(each.ids) for each in chunks)


def test_named_words_are_those_that_the_chunks_have_in_order_and_once():
    words = {"zorple": 2, "wash (v2)": 1, "other": 1}
    text = r"a (wash \(v2\):1.2), Zorple BREAK zorple, (oth)er"
    assert named_words(text, words) == ["wash (v2)", "zorple"]
    found = [place.word for each in chunk(text, tokenizer(), words) for place in each.places]
    assert found == ["wash (v2)", "zorple", "zorple"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("zorple", "zorple"),
        ("styles/2023/Zorple", "Zorple"),
        ("zorple.safetensors", "zorple"),  # where a zorple.pt is beside it
        ("models/zorple.PT", "zorple"),
        ("zorple.v2", "zorple.v2"),
        (".pt", ".pt"),
    ],
)
def test_the_word_of_an_embedding_is_its_name_without_folders_and_extension(name, word):
    assert word_of(name) == word
