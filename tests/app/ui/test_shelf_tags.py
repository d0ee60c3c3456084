"""The shelf edits the tags of a prompt, and reads them as the draft does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.prompt.networks import parse_networks
from tests.node import NODE, node

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")

NAMES = "changed, hasWords, tagOf, tagsIn, withTag, withWords, without, withoutWords"

PROMPTS = (
    "a house",
    "a house <lora:ink>",
    "<lora:ink:0.8> a <LYCO:wash:0.5:0.8> house <hypernet:paper:0.6>",
    "<lora:a b/c-d.v2:te=0.5:unet=0.8>",
    "<lora:ink: 0.8 :unet = -1>",
    r"<lora:a\:b\<c\>d\\e\f:1>",
    "<lora:ink:x> <lora:ink:1:2:3> <lora:ink:unet=1:why=2> <lora::1> <lora:>",
    "<hypernet:paper:0.5:0.5> <hypernet:paper:te=1> <lora:ink:11> <lora:ink:nan>",
    "<lora:ink:.5> <lora:ink:1e-1> <lora:ink:+2.> <lora:ink:-10>",
    "<lora <lora:a<b>:1> <lyra:x> <lora:x:1",
    "\n<lora:Tusche f\u00fcr \u58a8 \U0001f58c:0.25>\n",
)


def ask(expression: str) -> Any:
    return node(
        f"""
        import {{ {NAMES} }} from "./shelf-tags.js";
        const edit = (text, place, change) => change(text, tagsIn(text)[place]);
        console.log(JSON.stringify({expression}));
        """
    )


def test_the_page_reads_every_prompt_as_the_draft_does() -> None:
    read = ask(f"{json.dumps(PROMPTS)}.map((text) => tagsIn(text))")
    for prompt, tags in zip(PROMPTS, read, strict=True):
        meant = parse_networks(prompt)
        loras = [
            (a.name, a.weight, a.weight if a.text_encoder_weight is None else a.text_encoder_weight)
            for a in meant.loras
        ]
        seen = [tag for tag in tags if tag["weight"] is not None]
        found = [(t["name"], t["weight"], t["textWeight"]) for t in seen if t["role"] == "lora"]
        assert found == loras, prompt
        others = [(t["name"], t["weight"]) for t in seen if t["role"] == "hypernetwork"]
        assert others == [(asked.name, asked.weight) for asked in meant.hypernetworks], prompt
        unread = [prompt[t["start"] : t["end"]] for t in tags if t["weight"] is None]
        assert unread == list(meant.unread), prompt


def test_a_tag_that_the_page_writes_is_read_as_it_was_meant() -> None:
    name = r"odd: <name> \ of \: one"
    texts = ask(
        f"""[
          tagOf({{ role: "lora", name: {json.dumps(name)}, weight: 0.1 + 0.2 }}),
          tagOf({{ role: "lora", name: "ink", weight: 0.8, textWeight: 0 }}),
          tagOf({{ role: "hypernetwork", name: "paper", weight: -0.5 }}),
        ]"""
    )
    [odd] = parse_networks(texts[0]).loras
    assert (odd.name, odd.weight, odd.text_encoder_weight) == (name, 0.3, None)
    [ink] = parse_networks(texts[1]).loras
    assert (ink.weight, ink.text_encoder_weight) == (0.8, 0)
    assert parse_networks(texts[2]).hypernetworks[0].weight == -0.5


MOVED = [
    ("a <lora:ink:0.8> b", 0, "a <lora:ink:1.25> b"),
    ("<lora:ink><lora:ink>", 1, "<lora:ink><lora:ink:1.25>"),
    ("<lora:ink:0.5:0.8>", 0, "<lora:ink:0.5:1.25>"),
    ("<hypernet:ink:0.5>", 0, "<hypernet:ink:1.25>"),
    ("<lora:ink:why>", 0, "<lora:ink:1.25>"),
]
"""A prompt, the number of a tag in it, and the prompt with that at 1.25."""


def test_moving_a_slider_rewrites_its_tag_alone() -> None:
    change = """(text, tag) => changed(text, tag, {
      weight: 1.25,
      textWeight: tag.textWeight === tag.weight ? 1.25 : tag.textWeight,
    })"""
    said = ask(f"{json.dumps(MOVED)}.map(([text, place]) => edit(text, place, {change}))")
    assert said == [expected for *_, expected in MOVED]


REMOVED = [
    ("<lora:ink>", 0, ""),
    ("a house <lora:ink>", 0, "a house"),
    ("a <lora:ink> house", 0, "a house"),
    ("<lora:ink> a house", 0, "a house"),
    ("a house, <lora:ink>, b", 0, "a house, , b"),
    ("a <lora:x> <lora:y>", 0, "a <lora:y>"),
    ("a\n<lora:x>\nb", 0, "a\n\nb"),
]
"""A prompt, the number of a tag in it, and the prompt without that."""


def test_a_tag_that_is_removed_leaves_no_gap() -> None:
    said = ask(f"{json.dumps(REMOVED)}.map(([text, place]) => edit(text, place, without))")
    assert said == [expected for *_, expected in REMOVED]


def test_adding_and_removing_a_tag_gives_the_prompt_back() -> None:
    prompts = ["", "a house", "a house, ", "a <lora:x> b"]
    added = ask(f'{json.dumps(prompts)}.map((text) => withTag(text, "<lora:ink:1>"))')
    assert all(text.endswith("<lora:ink:1>") for text in added)
    back = ask(f"{json.dumps(added)}.map((text) => edit(text, tagsIn(text).length - 1, without))")
    assert back == [prompt.rstrip(" ") for prompt in prompts]


WORDS = [
    ("", "ink wash"),
    ("a house", "a house, ink wash"),
    ("a house, ", "a house, ink wash"),
    ("a house <lora:a:1> <lora:b>", "a house, ink wash <lora:a:1> <lora:b>"),
    ("<lora:a:1>", "ink wash <lora:a:1>"),
    ("<lora:a:1> a house", "<lora:a:1> a house, ink wash"),
]
"""A prompt, and the same with "ink wash" put in."""


def test_trigger_words_stand_before_the_tags_and_come_off_again() -> None:
    put = ask(f'{json.dumps(WORDS)}.map(([text]) => withWords(text, "ink wash"))')
    assert put == [added for _, added in WORDS]
    taken = ask(f'{json.dumps(put)}.map((text) => withoutWords(text, "Ink Wash"))')
    assert [text.strip(" ,") for text in taken] == [text.strip(" ,") for text, _ in WORDS]


FOUND = [
    ("pink washing", False),
    ("\u0130\u0130 ink wash", True),
    ("<lora:ink wash:1>", False),
    ("(ink wash:1.2)", True),
    ("Ink Wash", True),
    ("ink wash_2", False),
]
"""A prompt, and whether "ink wash" stands in it."""


def test_words_are_found_by_themselves_and_not_in_tags() -> None:
    found = ask(f'{json.dumps(FOUND)}.map(([text]) => hasWords(text, "ink wash"))')
    assert found == [has for _, has in FOUND]


def test_a_prompt_made_to_be_slow_is_read_at_once() -> None:
    hostile = (
        r"""["<lora:" + "\\:".repeat(2e4), "<lora:".repeat(2e4), "<lora:" + "\\".repeat(3e4)]"""
    )
    assert ask(f"{hostile}.map((text) => tagsIn(text).length)") == [0, 0, 0]
