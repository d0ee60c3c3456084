"""The recipe: one picture, decided."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.errors import RecipeFileError, RequestError
from pipelines.geometry import Size
from pipelines.recipe import (
    PROMPT_LIMIT,
    SEED_LIMIT,
    VERSION,
    HypernetworkUse,
    LoraUse,
    ModelRef,
    Recipe,
    upgrade,
)

NEEDED = {"version": VERSION, "seed": 1, "size": "512x768", "checkpoint": {"name": "painter"}}

models = st.builds(
    ModelRef,
    name=st.text(min_size=1, max_size=20),
    sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    addnet=st.none() | st.text("0123456789abcdef", min_size=12, max_size=12),
)
weights = st.floats(-10, 10)
recipes = st.builds(
    Recipe,
    prompt=st.text(max_size=50),
    negative_prompt=st.text(max_size=50),
    seed=st.integers(0, SEED_LIMIT - 1),
    steps=st.integers(1, 150),
    guidance_scale=st.floats(0, 30),
    sampler=st.text(max_size=20),
    schedule=st.text(max_size=20),
    clip_skip=st.integers(1, 12),
    size=st.builds(Size.nearest, st.floats(64, 4096), st.floats(64, 4096)),
    checkpoint=models,
    prediction_type=st.sampled_from(["epsilon", "v_prediction"]),
    vae=st.none() | models,
    loras=st.lists(
        st.builds(LoraUse, model=models, unet_weight=weights, text_encoder_weight=weights),
        max_size=3,
        unique_by=lambda use: use.model.name,
    ).map(tuple),
    embeddings=st.lists(models, max_size=3).map(tuple),
    hypernetworks=st.lists(
        st.builds(HypernetworkUse, model=models, weight=weights),
        max_size=2,
        unique_by=lambda use: use.model.name,
    ).map(tuple),
)


@given(recipes)
def test_a_recipe_comes_back_equal_from_its_json(recipe):
    text = recipe.to_json()
    assert Recipe.from_json(text) == recipe
    assert Recipe.from_json(text.encode()).to_json() == text


def test_a_recipe_cannot_be_changed():
    recipe = Recipe.of(NEEDED)
    with pytest.raises(ValidationError):
        recipe.steps = 30  # pyright: ignore
    assert hash(recipe) == hash(Recipe.of(NEEDED))


def test_every_field_says_its_title_and_what_it_does():
    for name, field in Recipe.model_fields.items():
        if name != "version":
            assert field.title and field.description, name


def test_the_largest_seed_survives_json():
    recipe = Recipe.of(NEEDED | {"seed": SEED_LIMIT - 1})
    assert Recipe.from_json(recipe.to_json()).seed == 2**64 - 1


@pytest.mark.parametrize(
    ("field", "value", "message", "cure"),
    [
        ("steps", 0, "Steps cannot be 0.", "greater than or equal to 1"),
        ("steps", 151, "Steps cannot be 151.", "less than or equal to 150"),
        ("steps", "many", "Steps cannot be 'many'.", "valid integer"),
        ("steps", 2.5, "Steps cannot be 2.5.", "valid integer"),
        ("guidance_scale", float("nan"), "Guidance scale cannot be nan.", "finite number"),
        ("guidance_scale", float("inf"), "Guidance scale cannot be inf.", ""),
        ("guidance_scale", -1, "Guidance scale cannot be -1.", "greater than or equal to 0"),
        ("seed", -1, "Seed cannot be -1.", "greater than or equal to 0"),
        ("seed", 2**64, "Seed cannot be 18446744073709551616.", "less than"),
        ("size", "big", "Size cannot be 'big'.", "WIDTHxHEIGHT"),
        ("size", "56x64", "Size width cannot be 56.", "greater than or equal to 64"),
        ("size", "63x64", "Size width is 63, which is not a multiple of 8.", "Use 64."),
        ("size", {"width": "63", "height": 64}, "Size width is '63', which is not", "Use 64."),
        ("size", {"width": 10**400 + 4, "height": 64}, "which is not a multiple", "Use 4096."),
        ("sampler", "\ud83d", "Sampler cannot be", "valid string"),
        ("schedule", "a" * 101, "Schedule is too long: 101 characters of 100.", "Shorten it"),
        ("size", "64x102", "Size height is 102, which is not a multiple of 8.", "Use 104."),
        ("size", "64x8000", "Size height cannot be 8000.", "less than or equal to 4096"),
        ("prompt", "\ud83d", "Prompt cannot be", "valid string"),
        ("prompt", 7, "Prompt cannot be 7.", "valid string"),
        ("checkpoint", {"name": ""}, "Checkpoint name cannot be ''.", "at least 1 character"),
        ("checkpoint", {"name": "a", "sha256": "../etc"}, "Checkpoint sha256 cannot be", ""),
        ("vae", "soft", "VAE cannot be 'soft'.", "valid dictionary or instance of ModelRef"),
        ("loras", 5, "LoRAs cannot be 5.", "valid tuple"),
        ("loras", [{"model": {"name": "a"}, "unet_weight": 11}], "cannot be 11.", "less than"),
        ("loras", [{"model": {"name": "a"}, "unet_weight": float("nan")}], "cannot be nan.", ""),
        ("loras", [{"model": {"name": "a"}}] * 2, "LoRAs cannot be", "Name each file once."),
        ("hypernetworks", [{"model": {"name": "a"}}] * 2, "Hypernetworks cannot be", "once."),
        ("embeddings", [{"name": "a"}] * 101, "Embeddings cannot be", "at most 100 items"),
        ("colour", "red", "Colour is not a setting.", "Remove it, or check its spelling."),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_and_a_cure(field, value, message, cure):
    with pytest.raises(RequestError) as caught:
        Recipe.of(NEEDED | {field: value})
    assert message in caught.value.message
    assert cure in caught.value.cure
    assert caught.value.cure.endswith(".")
    assert caught.value.field == field


def test_a_prompt_that_is_too_long_says_by_how_much():
    with pytest.raises(RequestError) as caught:
        Recipe.of(NEEDED | {"prompt": "a" * 20_000})
    assert caught.value.message == "Prompt is too long: 20,000 characters of 10,000."
    assert caught.value.cure == "Shorten it to 10,000 characters."
    assert Recipe.of(NEEDED | {"prompt": "a" * PROMPT_LIMIT}).prompt


@pytest.mark.parametrize("field", ["seed", "size", "checkpoint"])
def test_a_missing_field_is_named(field):
    with pytest.raises(RequestError, match="is missing") as caught:
        Recipe.of({key: value for key, value in NEEDED.items() if key != field})
    assert caught.value.field == field


def test_a_newer_recipe_asks_for_an_update():
    with pytest.raises(RecipeFileError, match="newer Gesso") as caught:
        Recipe.of(NEEDED | {"version": VERSION + 1})
    assert "Update" in caught.value.cure


def test_a_recipe_of_the_first_version_names_no_file_beside_the_checkpoint():
    text = (
        '{"version":1,"prompt":"a <lora:ink:1>","negative_prompt":"","seed":7,"steps":20,'
        '"guidance_scale":7.0,"sampler":"Euler","schedule":"Normal","clip_skip":1,'
        '"size":{"width":512,"height":768},"checkpoint":{"name":"painter","sha256":null},'
        '"prediction_type":"epsilon","size_conditioning":null}'
    )
    recipe = Recipe.from_json(text)
    assert recipe.version == VERSION == 2
    assert (recipe.vae, recipe.loras, recipe.embeddings, recipe.hypernetworks) == (None, (), (), ())
    assert (recipe.prompt, recipe.seed, recipe.sampler) == ("a <lora:ink:1>", 7, "Euler")
    assert Recipe.from_json(recipe.to_json()) == recipe


@pytest.mark.parametrize("version", [None, True, 0, -1, "1", 1.5, [], "x"])
def test_a_recipe_of_no_version_is_none(version):
    with pytest.raises(RecipeFileError, match="does not say its version"):
        Recipe.of(NEEDED | {"version": version})
    with pytest.raises(RecipeFileError):
        upgrade({})


@pytest.mark.parametrize(
    "text", ["", "a cat", "[]", "null", "7", '"text"', "{", b"\xff\xfe", "[" * 100_000, "1" * 9999]
)
def test_what_is_no_recipe_says_so(text):
    with pytest.raises(RecipeFileError) as caught:
        Recipe.from_json(text)
    assert "not a recipe" in caught.value.message
    assert caught.value.cure


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["version", *Recipe.model_fields]) | st.text(max_size=5),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json_is_a_recipe_or_a_plain_refusal(data):
    try:
        Recipe.from_json(json.dumps(data))
    except (RecipeFileError, RequestError) as error:
        assert error.message and error.cure
