"""The `parameters` text of A1111's webui, written and read."""

import json
import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipelines.geometry import Size
from pipelines.metadata.a1111 import Infotext, parameters, parse, to_draft
from pipelines.metadata.beside import hashes
from pipelines.picture import Facts
from pipelines.recipe import ModelRef, Recipe

FACTS = Facts(seconds=1.0, device="cpu", dtype="float32", threads=1, versions={"gesso": "0.1"})


def recipe(**fields):
    usual = {"seed": 1, "size": "512x768", "checkpoint": ModelRef(name="painter")}
    return Recipe.model_validate({**usual, **fields})


def test_the_settings_stand_in_the_order_other_apps_write_them():
    made = recipe(
        prompt="a red house",
        negative_prompt="fog",
        guidance_scale=7.5,
        clip_skip=2,
        checkpoint=ModelRef(name="mine/painter v1.5.safetensors", sha256="0123456789abcdef" * 4),
    )
    assert parameters(made, FACTS) == (
        "a red house\n"
        "Negative prompt: fog\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 1, "
        "Size: 512x768, Model hash: 0123456789, Model: painter v1.5, Clip skip: 2, RNG: CPU, "
        "Version: Gesso 0.1"
    )


def test_the_files_beside_the_checkpoint_stand_where_other_apps_look_for_them():
    made = recipe(
        prompt="a red house, glow",
        vae=ModelRef(name="vae/soft", sha256="5" * 64),
        loras=[
            {"model": {"name": "sub/ink", "addnet": "a" * 12}, "unet_weight": 0.8,
             "text_encoder_weight": 0.8},
            {"model": {"name": "b: c, d", "sha256": "b" * 64}, "text_encoder_weight": 0.5},
            {"model": {"name": "not hashed yet"}},
        ],
        embeddings=[{"name": "neg/glow", "sha256": "e" * 64}],
        hypernetworks=[{"model": {"name": "wash"}, "weight": -0.25}],
    )  # fmt: skip
    text = parameters(made, FACTS)
    assert text == (
        "a red house, glow <lora:ink:0.8> <lora:b\\: c, d:0.5:1> <lora:not hashed yet:1> "
        "<hypernet:wash:-0.25>\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 1, "
        "Size: 512x768, Model: painter, VAE hash: 5555555555, VAE: soft, RNG: CPU, "
        'Lora hashes: "ink: aaaaaaaaaaaa, b c d: bbbbbbbbbbbb", TI hashes: "glow: eeeeeeeeeeee", '
        "Version: Gesso 0.1"
    )
    draft, ignored = to_draft(parse(text))
    assert (draft.vae, ignored) == ("soft", [])
    assert hashes(parse(text).fields) == {
        ("vae", ""): "5" * 10,
        ("lora", "ink"): "a" * 12,
        ("lora", "b c d"): "b" * 12,
        ("embedding", "glow"): "e" * 12,
    }


@pytest.mark.parametrize(
    ("said", "prompt"),
    [
        ("Hypernet: wash, Hypernet strength: 0.4", "a <hypernet:wash:0.4>"),
        ("Hypernet: wash(0123abcd), Steps: 2", "a <hypernet:wash:1>"),
        ("Hypernet: None, Steps: 2", "a"),
        (
            'Lora hashes: "ink: 00", Lora weights: "ink: 0.5, glow: 2"',
            "a <lora:ink:0.5> <lora:glow:2>",
        ),
    ],
)
def test_what_some_apps_say_in_fields_comes_back_as_tags(said, prompt):
    draft, ignored = to_draft(parse(f"a\nSteps: 1, Seed: 2, {said}"))
    assert (draft.prompt, ignored) == (prompt, [])


def test_a_tag_that_stands_in_the_prompt_is_not_said_again():
    draft, _ = to_draft(parse('a <lora:ink:0.3>\nSteps: 1, Seed: 2, Lora weights: "ink: 0.5"'))
    assert draft.prompt == "a <lora:ink:0.3>"


def test_hashes_are_read_from_whichever_field_tells_them():
    said = '{"model": "00", "lora:ink": "0123456789", "embed:glow": "aa", "vae": "bb", "x": 1}'
    assert hashes({"Hashes": said, "Lora hashes": "ink: 55, c:d: 66, nothing"}) == {
        ("lora", "ink"): "55",
        ("lora", "cd"): "66",
        ("embedding", "glow"): "aa",
        ("vae", ""): "bb",
    }
    assert hashes({"Hashes": "{" * 9999}) == hashes({"Hashes": "[]", "TI hashes": ","}) == {}


def test_what_says_nothing_is_left_out():
    assert parameters(recipe(prompt="a"), FACTS.model_copy(update={"versions": {}})) == (
        "a\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 1, "
        "Size: 512x768, Model: painter, RNG: CPU"
    )


def test_a_value_that_would_be_misread_is_quoted():
    text = parameters(recipe(checkpoint=ModelRef(name='a "b", c: d')), FACTS)
    assert r'Model: "a \"b\", c: d", RNG' in text
    assert parse(text).fields["Model"] == 'a "b", c: d'


def test_the_three_parts_are_told_apart():
    text = "a cat\non a mat\nNegative prompt: dog\nfog\nSteps: 20, Sampler: Euler a, Seed: 1"
    assert parse(text) == Infotext(
        "a cat\non a mat", "dog\nfog", {"Steps": "20", "Sampler": "Euler a", "Seed": "1"}
    )


def test_joined_sampler_and_size():
    text = "a\nNegative prompt: b\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1, "
    draft, ignored = to_draft(parse(text + "Size: 512x768"))
    assert draft.sampler == "DPM++ 2M Karras"
    assert (draft.steps, draft.guidance_scale, draft.seed) == (20, 7.0, 1)
    assert draft.size == Size(width=512, height=768)
    assert ignored == []


def test_a_last_line_with_fewer_than_three_items_belongs_to_the_prompt():
    text = "a picture\na photo, style: x, y: z"
    assert parse(text) == Infotext(text)


def test_quoted_values_keep_their_commas():
    fields = parse(
        'a\nSteps: 1, ControlNet 0: "Module: canny, Model: c [d14c]", '
        'Lora hashes: "a: 0011, b: 22", Size: 8x8'
    ).fields
    assert fields["ControlNet 0"] == "Module: canny, Model: c [d14c]"
    assert fields["Lora hashes"] == "a: 0011, b: 22"
    assert fields["Size"] == "8x8"


def test_bare_json_values_are_whole():
    hashes = json.dumps({"model": "aaa", "lora:x, y": "} ]\\"})
    resources = json.dumps([{"type": "lora", "weight": 0.8}, {"type": "checkpoint"}])
    text = f"a\nSteps: 1, Seed: 2, Hashes: {hashes}, Civitai resources: {resources}, Tiling: True"
    fields = parse(text).fields
    assert json.loads(fields["Hashes"])["lora:x, y"] == "} ]\\"
    assert json.loads(fields["Civitai resources"])[0]["weight"] == 0.8
    assert fields["Tiling"] == "True"


def test_an_open_bracket_or_quote_does_not_swallow_the_rest():
    assert parse('Steps: 1, Model: [a, Hashes: {"b": "c, Seed: 2').fields == {
        "Steps": "1",
        "Model": "[a",
        "Hashes": '{"b": "c',
        "Seed": "2",
    }
    assert parse("Steps: 1, Model: [a] b, Hashes: {}, Seed: 2").fields["Model"] == "[a] b"


@pytest.mark.parametrize(
    ("line", "prompt", "negative"),
    [
        ("a cat Steps: 20, Sampler: Euler, Seed: 1", "a cat", ""),
        ("a cat, blue, Steps: 20, Sampler: Euler, Seed: 1", "a cat, blue,", ""),
        ("Negative prompt: fog Steps: 20, Sampler: Euler, Seed: 1", "", "fog"),
        ("a\nNegative prompt: fog, (rain:1.2). Steps: 20, Sampler: Euler, Seed: 1", "a", None),
    ],
)
def test_settings_behind_the_words_on_one_line(line, prompt, negative):
    read = parse(line)
    assert read.prompt == prompt
    assert read.negative_prompt == (negative if negative is not None else "fog, (rain:1.2).")
    assert read.fields == {"Steps": "20", "Sampler": "Euler", "Seed": "1"}


def test_unknown_and_one_letter_keys_are_kept_as_they_are():
    text = "Steps: 1, Sampler: x, Seed: 2, y: z, Tiling, ADetailer model 2nd: hand.pt, Steps 2:"
    assert parse(text).fields == {
        "Steps": "1",
        "Sampler": "x",
        "Seed": "2",
        "y": "z",
        "Tiling": "Tiling",
        "ADetailer model 2nd": "hand.pt",
        "Steps 2": "",
    }


def test_windows_line_ends():
    assert parse("a\r\nNegative prompt: b\r\nSteps: 1, Sampler: x, Seed: 2") == parse(
        "a\nNegative prompt: b\nSteps: 1, Sampler: x, Seed: 2"
    )


def test_a_draft_names_what_it_does_not_follow():
    draft, ignored = to_draft(
        parse(
            "a\nSteps: many, Sampler: Undefined, CFG scale: nan, Seed: 7, Size: 63x63, "
            "Model hash: 0123456789, Model: painter, ENSD: 31337, RNG: NV, Version: v1.10"
        )
    )
    assert (draft.seed, draft.checkpoint) == (7, "painter")
    assert (draft.steps, draft.sampler, draft.guidance_scale, draft.size) == (None,) * 4
    assert ignored == ["Steps", "Sampler", "CFG scale", "Size", "ENSD", "RNG"]


def test_a_hash_stands_for_a_model_without_a_name():
    draft, _ = to_draft(parse("Steps: 1, Seed: 2, Model hash: 0123456789"))
    assert draft.checkpoint == "0123456789"


def test_our_own_text_asks_for_the_same_picture_again():
    made = recipe(prompt="a\n(b:1.2)", negative_prompt="c", clip_skip=2, guidance_scale=6.25)
    draft, ignored = to_draft(parse(parameters(made, FACTS)))
    assert ignored == []
    for name in ("prompt", "negative_prompt", "seed", "steps", "guidance_scale", "sampler"):
        assert getattr(draft, name) == getattr(made, name)
    assert (draft.schedule, draft.clip_skip, draft.size) == ("Karras", 2, made.size)
    assert draft.checkpoint == "painter"


LINES = st.text(max_size=40).filter(lambda text: "Negative prompt:" not in text)


@settings(max_examples=200, deadline=None)
@given(
    prompt=LINES | st.text('a,:()"\n{[\\ ', max_size=30),
    negative=LINES,
    sampler=st.text(max_size=20) | st.text('a,:"{[ \n\\', max_size=10),
    seed=st.integers(0, 2**64 - 1),
    scale=st.floats(0, 30),
)
def test_what_is_written_is_read(prompt, negative, sampler, seed, scale):
    assume("\r" not in prompt + negative)
    made = recipe(
        prompt=prompt,
        negative_prompt=negative,
        sampler=sampler,
        seed=seed,
        guidance_scale=scale,
    )
    read = parse(parameters(made, FACTS))
    assert read.prompt == prompt.strip()
    assert read.negative_prompt == negative.strip()
    assert read.fields["Sampler"] == sampler
    assert int(read.fields["Seed"]) == seed
    assert float(read.fields["CFG scale"]) == scale
    assert read.fields["Version"] == "Gesso 0.1"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.text('Steps: 1,"\\{}[]\nab', max_size=120))
def test_any_text_is_an_infotext(text):
    draft, _ = to_draft(parse(text))
    assert draft.count == 1


@pytest.mark.parametrize(
    "text",
    [
        ", ".join(["a: ["] * 50_000),
        "a: " + "[" * 50_000 + "]" * 50_000 + "x",
        'a: "' * 50_000,
        'a: ["' + '\\"' * 50_000,
        'a: ["' + '"\\' * 50_000,
        " " * 300_000 + ":",
        "Steps: 1, " * 50_000,
        "\n" * 300_000,
        "Steps: " + "9" * 5_000 + ", Seed: 1e999, Size: 9x9x9",
    ],
)
def test_hostile_texts_are_read_at_once(text):
    start = time.process_time()
    to_draft(parse(text))
    assert time.process_time() - start < 2


def test_code_in_a_value_stays_text():
    text = "Steps: __import__('os'), Sampler: ${jndi:x}, Seed: {{7*7}}, Size: (8)"
    _, ignored = to_draft(parse(text))
    assert ignored == ["Steps", "Seed", "Size"]
