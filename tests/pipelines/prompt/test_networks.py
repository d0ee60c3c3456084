"""LoRAs, hypernetworks and embeddings are named in the prompt, as in A1111."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.geometry import Size
from pipelines.prompt.networks import (
    HypernetworkAsked,
    LoraAsked,
    Networks,
    parse_networks,
    tags,
    with_tags,
    without_foreign,
    words_in,
)
from pipelines.recipe import HypernetworkUse, LoraUse, ModelRef, Recipe

WORDS = st.text('<>:=,.\\ lorahypente<lora:1.5"\n', max_size=60) | st.text(max_size=40)
NAMES = st.text('ink<>:\\=, .5"é/', min_size=1, max_size=12) | st.text(min_size=1, max_size=12)
WEIGHTS = st.floats(-10, 10) | st.sampled_from([0.0, 1.0, 0.8, -1.5])
MODELS = st.builds(ModelRef, name=NAMES)


def recipe(prompt="", loras=(), hypernetworks=()):
    return Recipe(
        prompt=prompt,
        seed=1,
        size=Size(width=64, height=64),
        checkpoint=ModelRef(name="painter"),
        loras=tuple(loras),
        hypernetworks=tuple(hypernetworks),
    )


@pytest.mark.parametrize(
    ("tag", "asked"),
    [
        ("<lora:ink>", LoraAsked(name="ink")),
        ("<lora:ink:0.8>", LoraAsked(name="ink", weight=0.8)),
        ("<lora:ink:.5:-1>", LoraAsked(name="ink", weight=-1, text_encoder_weight=0.5)),
        ("<lora:ink:unet=0.3>", LoraAsked(name="ink", weight=0.3, text_encoder_weight=1)),
        ("<lora:ink:te=0>", LoraAsked(name="ink", weight=0)),
        ("<lora:ink:0.2:unet=0.3>", LoraAsked(name="ink", weight=0.3, text_encoder_weight=0.2)),
        ("<lora:ink:0.2:0.3:te=1>", LoraAsked(name="ink", weight=0.3, text_encoder_weight=1)),
        ("<lyco:sub/glow v1.2: 1 >", LoraAsked(name="sub/glow v1.2")),
        ("<LORA:a=b, c:1>", LoraAsked(name="a=b, c")),
        (r"<lora:a\:b\\:2>", LoraAsked(name="a:b\\", weight=2)),
        (r"<lora:sub\ink:2>", LoraAsked(name=r"sub\ink", weight=2)),
        ("<hypernet:wash:0.6>", HypernetworkAsked(name="wash", weight=0.6)),
        ("<hypernet:wash>", HypernetworkAsked(name="wash")),
    ],
)
def test_a_tag_names_a_file_and_how_much_of_it(tag, asked):
    found = parse_networks(f"a boat {tag}")
    assert found.text == "a boat"
    assert [*found.loras, *found.hypernetworks] == [asked]
    assert parse_networks(asked.tag) == Networks("", found.loras, found.hypernetworks)


@pytest.mark.parametrize(
    "tag",
    [
        "<lora:ink:much>", "<lora:ink:>", "<lora::1>", "<lora:ink:nan>", "<lora:ink:11>",
        "<lora:ink:1:1:8>", "<lora:ink:dyn=8>", "<lora:ink:te=x>", "<hypernet:wash:1:1>",
        "<hypernet:wash:te=1>", "<hypernet:wash:-1e999>",
    ],
)  # fmt: skip
def test_a_tag_whose_weight_cannot_be_read_is_kept_apart(tag):
    assert parse_networks(f"a {tag} boat") == Networks("a boat", unread=(tag,))


@pytest.mark.parametrize(
    ("text", "rest", "foreign"),
    [
        ("a <lora:ink:1:dyn=8>, b", "a <lora:ink:1>, b", ["dyn=8"]),
        ("<lyco:a=b:te=1: LBW=1,0 :unet=2>", "<lyco:a=b:te=1:unet=2>", [" LBW=1,0 "]),
        ("<lora:ink:much> x=2:y=3", "<lora:ink:much> x=2:y=3", []),
    ],
)
def test_what_only_other_programs_do_can_be_taken_out_of_a_tag(text, rest, foreign):
    assert without_foreign(text) == (rest, foreign)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("a <lora:ink:1> boat", "a boat"),
        ("a<lora:ink:1> boat", "a boat"),
        ("a <lora:ink:1>boat", "a boat"),
        ("a<lora:ink:1>boat", "aboat"),
        ("<lora:ink:1> a boat", "a boat"),
        ("a <lora:ink:1><lora:b:1> <hypernet:c> boat", "a boat"),
        ("a <lora:ink:1>, boat", "a, boat"),
        ("a, <lora:ink:1>, boat", "a,, boat"),
        ("a boat\n<lora:ink:1>", "a boat\n"),
        ("(a <lora:ink:1>:1.2)", "(a :1.2)"),
        ("<lora:ink:1>", ""),
    ],
)
def test_words_beside_a_tag_stay_as_they_are(text, rest):
    assert parse_networks(text).text == rest


@pytest.mark.parametrize(
    "text",
    ["", "a < b > c", "<b>bold</b>", "<lora>", "<lora:>", "<loras:x:1>", "<ink:0.5>", "lora:x"],
)
def test_what_is_no_tag_is_text(text):
    assert parse_networks(text) == Networks(text)


@given(WORDS)
def test_any_text_is_a_prompt(text):
    found = parse_networks(text)
    if not (found.loras or found.hypernetworks or found.unread):
        assert found.text == text
    assert len(found.text) <= len(text)


@given(
    prompt=WORDS.filter(lambda text: parse_networks(text) == Networks(text)),
    loras=st.lists(
        st.builds(LoraUse, model=MODELS, unet_weight=WEIGHTS, text_encoder_weight=WEIGHTS),
        max_size=4,
        unique_by=lambda use: use.model.name,
    ),
    hypernetworks=st.lists(
        st.builds(HypernetworkUse, model=MODELS, weight=WEIGHTS),
        max_size=3,
        unique_by=lambda use: use.model.name,
    ),
)
def test_the_tags_of_a_recipe_ask_for_the_same_again(prompt, loras, hypernetworks):
    made = recipe(prompt, loras, hypernetworks)
    found = parse_networks(with_tags(made.prompt, tags(made)))
    assert found.text == prompt
    assert found.unread == ()
    assert [
        (lora.name, lora.weight, lora.weight if lora.text_encoder_weight is None
         else lora.text_encoder_weight)
        for lora in found.loras
    ] == [(use.model.name, use.unet_weight, use.text_encoder_weight) for use in loras]  # fmt: skip
    assert [(one.name, one.weight) for one in found.hypernetworks] == [
        (use.model.name, use.weight) for use in hypernetworks
    ]


def test_text_is_a_lora_in_the_words_of_its_tag():
    assert LoraAsked.model_validate("ink") == LoraAsked(name="ink")
    assert LoraAsked.model_validate("ink:0.5:0.8").tag == "<lora:ink:0.5:0.8>"


# The words of embeddings


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a boat, ink", ["ink"]),
        ("(INK:1.2) <ink>", ["ink", "ink"]),
        ("inky pink ink2 my_ink", []),
        ("ink-wash, ink", ["ink-wash", "ink"]),
        ("bad hands 5, bad hands", ["bad hands 5"]),
        ("ink.ink", ["ink", "ink"]),
        ("Tusche größe", ["Größe"]),
        ("", []),
    ],
)
def test_an_embedding_is_found_by_its_word(text, found):
    words = ["ink", "ink-wash", "bad hands 5", "Größe", "unused", ""]
    spans = words_in(text, words)
    assert [word for _, _, word in spans] == found
    assert all(text[start:end].casefold() == word.casefold() for start, end, word in spans)


@given(WORDS, st.lists(st.text("lora.<>: 1", min_size=1, max_size=6), max_size=5))
def test_words_are_found_in_order_and_never_overlap(text, words):
    ends = [place for start, end, _ in words_in(text, words) for place in (start, end)]
    assert ends == sorted(ends)


@pytest.mark.parametrize(
    "text",
    [
        "<lora:" * 500_000,
        "<lora:" + "a" * 3_000_000,
        "<lora:a:" + ":" * 3_000_000 + ">",
        "<lora:" + "\\" * 3_000_000,
        " " * 3_000_000,
        "<lora:a:1> " * 20_000,
    ],
)
def test_hostile_prompts_are_read_at_once(text):
    start = time.process_time()
    parse_networks(text)
    words_in(text, ["lora", "a" * 500])
    assert time.process_time() - start < 3
