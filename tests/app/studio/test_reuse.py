"""Bringing a picture back: what comes of it, and what is said of the rest."""

import json
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.studio.reuse import draft_of, reuse
from pipelines.catalog import PRESETS, Catalog
from pipelines.draft import AUTOMATIC, Draft, expand
from pipelines.errors import RecipeFileError, RequestError, StudioError
from pipelines.geometry import Size
from pipelines.metadata import save
from pipelines.metadata.a1111 import COUNTERPARTS
from pipelines.picture import Facts, Picture
from pipelines.recipe import Recipe

FACTS = Facts(device="cpu", dtype="float32", threads=1, versions={"gesso": "0.1", "torch": "2.1"})


@pytest.fixture(scope="module")
def catalog(tiny_home: Path) -> Iterator[Catalog]:
    catalog = Catalog.open([tiny_home / "models"], (PRESETS, tiny_home / "presets"))
    yield catalog
    catalog.close()


@pytest.fixture
def digits(catalog: Catalog) -> str:
    """The short hash of the tiny SD 1 checkpoint."""
    hashes = catalog.hashed(catalog.checkpoint("tiny-sd1")).entry.hashes
    assert hashes is not None
    return hashes.short


def ours(recipe: Recipe, folder: Path) -> bytes:
    save(Picture(Image.new("RGB", (64, 64)), recipe, FACTS), folder / "one.png")
    return (folder / "one.png").read_bytes()


def theirs(settings: str, prompt: str = "a boat") -> bytes:
    return png(parameters=f"{prompt}\nSteps: 20, Seed: 5, {settings}, RNG: CPU")


def png(**texts: str) -> bytes:
    info, file = PngInfo(), BytesIO()
    for keyword, text in texts.items():
        info.add_itxt(keyword, text)
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


@pytest.mark.parametrize("checkpoint", ["tiny-sd1", "tiny-sdxl"])
def test_a_picture_of_our_own_is_asked_for_exactly(catalog, tmp_path, checkpoint):
    catalog.hashed(catalog.checkpoint(checkpoint))
    asked = {"prompt": "a", "seed": 2**64 - 1, "checkpoint": checkpoint, "sampler": "Euler a"}
    [recipe] = expand(Draft.of(asked), catalog)
    reused = reuse(ours(recipe, tmp_path), catalog, FACTS)
    assert (reused.source, reused.differences) == ("Gesso", ())
    assert expand(reused.draft, catalog) == [recipe]
    assert "count" not in reused.draft.model_fields_set


def test_the_draft_of_a_recipe_decides_the_same_again(catalog):
    [recipe] = expand(Draft(checkpoint="tiny-sdxl", size="128x64"), catalog)
    assert expand(draft_of(recipe), catalog) == [recipe]


def test_another_machine_is_told(catalog, tmp_path):
    [recipe] = expand(Draft(checkpoint="tiny-sd1"), catalog)
    here = FACTS.model_copy(update={"device": "cuda", "versions": {"torch": "2.2", "new": "1"}})
    [said] = reuse(ours(recipe, tmp_path), catalog, here).differences
    assert "device cpu (cuda here), torch 2.1 (2.2 here)" in said


def test_a_missing_checkpoint_is_named_with_its_hash_and_the_rest_is_kept(catalog, tmp_path):
    [recipe] = expand(Draft(prompt="a", checkpoint="tiny-sdxl", seed=7), catalog)
    gone = {"name": "long gone", "sha256": "ab" * 32}
    recipe = Recipe.of({**recipe.model_dump(), "checkpoint": gone})
    reused = reuse(ours(recipe, tmp_path), catalog)
    [said] = reused.differences
    assert "long gone (hash ababababab)" in said
    assert (reused.draft.prompt, reused.draft.seed) == ("a", 7)
    left_open = {"checkpoint", "prediction_type", "size_conditioning"}
    assert {getattr(reused.draft, name) for name in left_open} == {None}


def test_an_old_joined_sampler_is_a_sampler_and_a_schedule(catalog, digits):
    text = f"Sampler: DPM++ 2M Karras, CFG scale: 7, Size: 512x768, Model hash: {digits}"
    reused = reuse(theirs(text), catalog)
    draft = reused.draft
    assert (draft.sampler, draft.schedule) == ("DPM++ 2M", "Karras")
    assert draft.size == Size(width=512, height=768)
    assert (draft.steps, draft.guidance_scale, draft.clip_skip) == (20, 7.0, 1)
    assert reused.differences == ()
    assert len(expand(draft, catalog)) == 1


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("Sampler: Euler a", AUTOMATIC),
        ("Sampler: Euler a, Schedule type: Automatic", AUTOMATIC),
        ("Sampler: Euler, Schedule type: Uniform", "Normal"),
        ("Sampler: k_dpmpp_2m_ka", "Karras"),
        ("Sampler: DPM++ 2M Karras, Schedule type: Exponential", "Exponential"),
    ],
)
def test_a_schedule_that_is_not_said_is_the_samplers_own(catalog, text, schedule):
    assert reuse(theirs(text), catalog).draft.schedule == schedule


def test_a_checkpoint_is_found_by_its_hash_under_another_name(catalog, digits):
    reused = reuse(theirs(f"Model hash: {digits.upper()}, Model: renamed"), catalog)
    assert reused.draft.checkpoint == "tiny-sd1"
    assert reused.differences == ()


def test_another_file_of_the_same_name_is_told(catalog, digits):
    reused = reuse(theirs("Model hash: 0123456789, Model: tiny-sd1"), catalog)
    assert reused.draft.checkpoint == "tiny-sd1"
    [said] = reused.differences
    assert digits in said and "0123456789" in said


def test_a_checkpoint_that_is_not_here_is_told_and_the_chosen_one_stays(catalog):
    reused = reuse(theirs("Model hash: 0123456789, Model: dreams"), catalog)
    assert "checkpoint" not in reused.draft.model_fields_set
    assert "dreams (hash 0123456789)" in reused.differences[0]
    reused = reuse(theirs("Model hash: 0123456789, Tiling: True"), catalog)
    assert "0123456789" in reused.differences[0]
    assert "(hash" not in reused.differences[0]


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("Sampler: DPM+ 2M", "sampler", "no sampler called 'DPM+ 2M'"),
        ("Sampler: Euler, Schedule type: Caras", "schedule", "no schedule called 'Caras'"),
        ("CFG scale: 1e999", "guidance_scale", "CFG scale cannot be '1e999'"),
        ("CFG scale: 99", "guidance_scale", "Guidance scale cannot be 99.0"),
        ("Size: 63x63", "size", "Size cannot be '63x63'"),
        ("Clip skip: 99", "clip_skip", "Clip skip cannot be 99"),
        ("Seed: -5", "seed", "Seed cannot be -5"),
        ("Seed: " + "9" * 30, "seed", "Seed cannot be 9999"),
        ("Steps: 5000", "steps", "Steps cannot be 5000"),
        ("Steps: 9" + "9" * 5000, "steps", "Steps cannot be '999"),
    ],
)
def test_nothing_is_replaced_in_silence(catalog, text, field, said):
    reused = reuse(theirs(text + ", Model: tiny-sd1"), catalog)
    assert field not in reused.draft.model_fields_set
    assert any(said in sentence for sentence in reused.differences)
    assert len(expand(reused.draft, catalog)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Denoising strength: 0.5, Hires upscale: 2, Hires steps: 9", "second pass"),
        ("Denoising strength: 0.5", "over another picture"),
        ('ControlNet 0: "Module: canny, Model: c [d14c]"', "ControlNet"),
        ("Refiner: x [0123456789], Refiner switch at: 0.8", "refiner"),
        ("ADetailer model: face.pt, ADetailer version: 24.1", "ADetailer"),
        ("ENSD: 31337, Tiling: True", "Not followed: ENSD, Tiling."),
    ],
)
def test_what_gesso_does_not_do_is_told_once(catalog, text, said):
    differences = reuse(theirs(text + ", Model: tiny-sd1"), catalog).differences
    assert len([sentence for sentence in differences if said in sentence]) == 1
    assert len(differences) == 1


def test_a_picture_of_fooocus_is_followed_as_far_as_it_goes(catalog, digits):
    said = {
        "prompt": "a", "steps": 3, "resolution": "(128, 64)", "base_model": "x", "seed": "7",
        "base_model_hash": digits, "sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras",
        "styles": "['Fooocus V2']", "lora_combined_1": "ink : 0.5", "sharpness": 2.0,
    }  # fmt: skip
    reused = reuse(png(parameters=json.dumps(said)), catalog)
    assert (reused.draft.sampler, reused.draft.schedule) == ("DPM++ 2M SDE", "Karras")
    assert (reused.draft.checkpoint, reused.draft.seed) == ("tiny-sd1", 7)
    told = ("no LoRA called ink", "Styles", "Sharpness")
    assert all(word in sentence for word, sentence in zip(told, reused.differences, strict=True))


def test_a_picture_of_invokeai_is_followed_as_far_as_it_goes(catalog):
    said = {
        "positive_prompt": "a (boat)1.2", "width": 128, "height": 64, "scheduler": "euler_a",
        "steps": 3, "seed": 7, "cfg_scale": 5, "model": {"name": "tiny-sd1"}, "rand_device": "cpu",
        "controlnets": [{"control_weight": 1}],
    }  # fmt: skip
    reused = reuse(png(invokeai_metadata=json.dumps(said)), catalog)
    assert (reused.draft.sampler, reused.draft.schedule) == ("Euler a", AUTOMATIC)
    assert reused.draft.checkpoint == "tiny-sd1"
    told = ("(word:1.2)", "ControlNet")
    assert all(word in sentence for word, sentence in zip(told, reused.differences, strict=True))


@pytest.mark.parametrize(
    "name", ["tiny-sd1.safetensors", "SD\\tiny-sd1.safetensors", "sd/tiny-sd1"]
)
def test_a_picture_of_comfyui_finds_its_checkpoint(catalog, name):
    graph = {
        "1": {"class_type": "KSampler", "inputs": {
            "seed": 7, "steps": 3, "cfg": 5, "sampler_name": "euler_ancestral",
            "scheduler": "karras", "model": ["2", 0], "positive": ["3", 0], "negative": ["4", 0],
            "latent_image": ["5", 0]}},
        "2": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": name}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a (boat:1.3)"}},
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 128, "height": 64}},
    }  # fmt: skip
    reused = reuse(png(prompt=json.dumps(graph)), catalog)
    assert (reused.draft.sampler, reused.draft.schedule) == ("Euler a", "Karras")
    assert reused.draft.checkpoint == "tiny-sd1"
    [said] = reused.differences
    assert "ComfyUI weights words" in said
    assert len(expand(reused.draft, catalog)) == 1


TEXTS = (
    st.text(max_size=60)
    | st.text('Steps: 1,"\\{}[]<>\nab', max_size=80)
    | st.from_regex(r'\{"[a-z_]{1,9}": ["\[{]?[a-z0-9]{0,5}["\]}]?\}', fullmatch=True)
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["parameters", "gesso", "prompt", "workflow", "invokeai_metadata", "sd-metadata",
             "Comment", "Software", "Description", "Dream", "XML:com.adobe.xmp", "fooocus_scheme"]
        ),
        TEXTS,
        max_size=4,
    )
)  # fmt: skip
def test_whatever_stands_in_any_text_it_is_followed_or_refused_in_words(catalog, texts):
    try:
        reused = reuse(png(**texts), catalog)
    except StudioError as error:
        assert error.message and error.cure
    else:
        reused.draft.model_dump_json().encode()
        assert all(sentence.isprintable() for sentence in reused.differences)


def test_noise_drawn_elsewhere_is_told(catalog):
    data = theirs("Model: tiny-sd1, Version: v1.10.1").replace(b"RNG: CPU", b"RNG: GPU")
    [said] = reuse(data, catalog).differences
    assert "another composition" in said


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", '"\\ud800"', "../../etc/passwd", "\u202egpj", "x" * 9999],
)
def test_hostile_names_come_back_as_short_plain_text(catalog, hostile):
    reused = reuse(theirs(f"Sampler: {hostile}, Model: {hostile}, {hostile[:200]}: 1"), catalog)
    assert {"sampler", "checkpoint"}.isdisjoint(reused.draft.model_fields_set)
    for sentence in reused.differences:
        assert len(sentence) < 1000
        assert sentence.isprintable()
        sentence.encode()


@settings(max_examples=100, deadline=None)
@given(
    prompt=st.text(max_size=30) | st.text("<lora:>ab1.", max_size=30),
    fields=st.dictionaries(
        st.sampled_from(sorted(COUNTERPARTS)) | st.text(min_size=1, max_size=8),
        st.sampled_from(["", "1e999", "-1", "512x512", "nan", '"', "{", "9" * 5000, "Euler Karras"])
        | st.text(max_size=12)
        | st.integers().map(str),
        max_size=8,
    ),
)
def test_whatever_a_picture_says_can_be_asked_for(catalog, prompt, fields):
    written = ", ".join(f"{key}: {value}" for key, value in fields.items())
    reused = reuse(theirs(f"{written}, Model: tiny-sd1", prompt), catalog)
    reused.draft.model_dump_json().encode()
    "".join(reused.differences).encode()
    if reused.draft.checkpoint:
        assert len(expand(reused.draft, catalog)) == 1


@pytest.mark.parametrize(
    ("settings", "prompt"),
    [
        ("Tiling: True", "<lora:" * 300_000),
        ("Tiling: True", "<lora:" + "a" * 2_000_000),
        ("Tiling: True", "<lora:a:" + ":" * 2_000_000),
        ("Sampler: " + "DPM++ " * 300_000, "a"),
        ("Model: " + "a/" * 1_000_000, "a"),
        (", ".join(f"key {n}: 1" for n in range(100_000)), "a"),
    ],
)  # fmt: skip
def test_hostile_lengths_are_answered_at_once(catalog, settings, prompt):
    start = time.perf_counter()
    reused = reuse(theirs(f"{settings}, Seed: 3", prompt), catalog)
    assert time.perf_counter() - start < 3
    assert sum(map(len, reused.differences)) < 5000


def test_a_prompt_longer_than_any_is_told(catalog):
    reused = reuse(theirs("Model: tiny-sd1", "x" * 20_000), catalog)
    assert "prompt" not in reused.draft.model_fields_set
    assert "20,000" in reused.differences[0]


def test_a_picture_without_settings_is_refused(catalog):
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    with pytest.raises(RecipeFileError):
        reuse(file.getvalue(), catalog)


def test_a_recipe_out_of_range_is_refused(catalog, tmp_path):
    [recipe] = expand(Draft(checkpoint="tiny-sd1", steps=77), catalog)
    data = ours(recipe, tmp_path).replace(b'"steps":77', b'"steps":-1')
    with pytest.raises(RequestError):
        reuse(data, catalog)
