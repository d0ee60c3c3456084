"""From what was asked to what is decided."""

import pytest

from pipelines.catalog import PRESETS, Catalog
from pipelines.draft import MAX_COUNT, Draft, check, expand
from pipelines.errors import RequestError, UnknownChoice, UnknownModel, WrongModel
from pipelines.geometry import Size
from pipelines.metadata.a1111 import parameters, parse, to_draft
from pipelines.picture import Facts
from pipelines.recipe import (
    SEED_LIMIT,
    ModelRef,
    Recipe,
    SizeConditioning,
)
from tests import tiny

SMALL = Size(width=64, height=64)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    """A drop folder with tiny models of several families."""
    models, presets = tiny.install(
        tmp_path_factory.mktemp("draft"), ("sd1", "sd1-inpaint", "sd2-v", "sdxl")
    )
    opened = Catalog.open([models], [PRESETS, presets], settle=0)
    yield opened
    opened.close()


def decide(catalog, **asked):
    (recipe,) = expand(Draft(**{"checkpoint": "tiny-sd1", "seed": 7, **asked}), catalog)
    return recipe


def test_what_is_left_open_comes_from_the_checkpoint(catalog):
    recipe = decide(catalog, prompt="a cat")
    variant = catalog.checkpoint("tiny-sd1").variant
    assert recipe.prompt == "a cat"
    assert recipe.checkpoint.name == "tiny-sd1"
    assert recipe.size == variant.sizes[0] == SMALL
    assert recipe.steps == variant.defaults.steps == 4
    assert recipe.sampler == variant.defaults.sampler == "Euler"
    assert recipe.schedule == variant.defaults.schedule
    assert recipe.guidance_scale == variant.defaults.guidance_scale
    assert recipe.prediction_type == "epsilon"
    assert recipe.size_conditioning is None


def test_what_was_asked_is_kept(catalog):
    asked = {
        "prompt": "a cat",
        "negative_prompt": "fog",
        "seed": 7,
        "steps": 11,
        "guidance_scale": 0.0,
        "sampler": "Heun",
        "schedule": "Exponential",
        "clip_skip": 2,
        "size": Size(width=128, height=72),
        "prediction_type": "v_prediction",
    }
    recipe = decide(catalog, **asked)
    assert {name: getattr(recipe, name) for name in asked} == asked


def test_nothing_at_all_is_a_request_too(catalog):
    (recipe,) = expand(Draft(), catalog)
    assert recipe.prompt == ""
    assert recipe.checkpoint == catalog.checkpoint(None).ref


def test_a_sampler_of_ones_own_brings_its_own_schedule(catalog):
    for name in ("DPM++ 2M", "DPM++ 2M SDE", "Euler"):
        own = catalog.schedule("Automatic", name)
        assert decide(catalog, sampler=name).schedule == own
        assert decide(catalog, sampler=name, schedule="Automatic").schedule == own
    assert decide(catalog, sampler="Automatic").sampler == "Euler"


def test_a_checkpoint_knows_what_it_predicts(catalog):
    assert decide(catalog, checkpoint="tiny-sd2-v").prediction_type == "v_prediction"


def test_sdxl_is_told_the_size_unless_something_else_is_asked(catalog):
    recipe = decide(catalog, checkpoint="tiny-sdxl", size=Size(width=128, height=64))
    assert recipe.size_conditioning == SizeConditioning(original=recipe.size, target=recipe.size)
    asked = SizeConditioning(original=SMALL, crop_top=8, target=SMALL)
    recipe = decide(catalog, checkpoint="tiny-sdxl", size_conditioning=asked)
    assert recipe.size_conditioning == asked
    assert decide(catalog, size_conditioning=asked).size_conditioning is None


# Seeds


def test_each_picture_has_the_next_seed(catalog):
    recipes = expand(Draft(checkpoint="tiny-sd1", seed=7, count=3), catalog)
    assert [recipe.seed for recipe in recipes] == [7, 8, 9]
    assert recipes[1] == decide(catalog, seed=8)


def test_seeds_start_over_after_the_last(catalog):
    recipes = expand(Draft(checkpoint="tiny-sd1", seed=SEED_LIMIT - 1, count=2), catalog)
    assert [recipe.seed for recipe in recipes] == [SEED_LIMIT - 1, 0]


@pytest.mark.parametrize("asked", [None, -1])
def test_an_open_seed_is_a_fresh_one_each_time(catalog, asked):
    seeds = {decide(catalog, seed=asked).seed for _ in range(20)}
    assert len(seeds) > 15
    assert all(0 <= seed < 2**32 for seed in seeds)


@pytest.mark.parametrize("seed", [-2, SEED_LIMIT])
def test_a_seed_out_of_range_is_refused(catalog, seed):
    with pytest.raises(RequestError) as caught:
        decide(catalog, seed=seed)
    assert caught.value.field == "seed"
    assert "-1 for a fresh one" in caught.value.cure


# What cannot be rendered


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("checkpoint", "dreambeach", UnknownModel),
        ("checkpoint", "tiny-sd1-inpaint", WrongModel),
        ("sampler", "Eular", UnknownChoice),
        ("schedule", "Karas", UnknownChoice),
        ("steps", 0, RequestError),
        ("guidance_scale", float("nan"), RequestError),
        ("clip_skip", 13, RequestError),
        ("prompt", "a" * 20_000, RequestError),
        ("negative_prompt", "a" * 20_000, RequestError),
        ("prompt", "half an emoji \ud83d", RequestError),
    ],
)
def test_what_cannot_be_rendered_is_refused_naming_the_field(catalog, field, value, error):
    with pytest.raises(error) as caught:
        decide(catalog, **{field: value})
    assert caught.value.field == field
    assert caught.value.message and caught.value.cure


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", "63x63"), ("count", 0), ("count", MAX_COUNT + 1), ("steps", "many"), ("colour", 1)],
)
def test_a_draft_of_wrong_data_names_the_field(field, value):
    with pytest.raises(RequestError) as caught:
        Draft.of({field: value})
    assert caught.value.field == field


# Recipes from elsewhere


def test_a_recipe_that_was_just_decided_can_be_rendered(catalog):
    check(decide(catalog), catalog)
    check(decide(catalog, checkpoint="tiny-sdxl"), catalog)


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"checkpoint": ModelRef(name="not here")}, UnknownModel, "checkpoint"),
        ({"sampler": "Eular"}, UnknownChoice, "sampler"),
        ({"schedule": "Karas"}, UnknownChoice, "schedule"),
        ({"checkpoint": ModelRef(name="tiny-sd1-inpaint")}, WrongModel, "checkpoint"),
        ({"checkpoint": ModelRef(name="tiny-sdxl")}, WrongModel, "size_conditioning"),
        (
            {"size_conditioning": SizeConditioning(original=SMALL, target=SMALL)},
            WrongModel,
            "size_conditioning",
        ),
    ],
)
def test_a_recipe_from_elsewhere_is_checked_before_it_is_rendered(catalog, change, error, field):
    recipe = decide(catalog).model_copy(update=change)
    with pytest.raises(error) as caught:
        check(recipe, catalog)
    assert caught.value.field == field


def test_a_recipe_holds_no_open_choice(catalog):
    recipe = decide(catalog, sampler="Automatic", schedule="Automatic", seed=-1)
    assert "Automatic" not in recipe.to_json()
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_settings_in_a1111_format_lead_back_to_the_same_recipe(catalog):
    recipe = decide(catalog, prompt="a\n(cat:1.2)", negative_prompt="fog", sampler="DPM++ 2M SDE")
    facts = Facts(seconds=1, device="cpu", dtype="float32", threads=1, versions={"gesso": "0.1"})
    draft, ignored = to_draft(parse(parameters(recipe, facts)))
    assert ignored == []
    assert expand(draft, catalog) == [recipe]
