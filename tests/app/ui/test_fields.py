"""The form is the recipe's fields; reading what was written gives the recipe back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.studio.reuse import draft_of
from app.ui.fields import (
    AUTOMATIC,
    facts,
    kept,
    read,
    refill,
    starting_values,
    write,
)
from pipelines.catalog import Catalog
from pipelines.draft import MAX_COUNT, OWN_VAE, Draft, expand
from pipelines.errors import RequestError
from pipelines.geometry import Size
from pipelines.prompt.networks import tags, with_tags
from pipelines.recipe import SEED_LIMIT, LoraUse, ModelRef, Recipe, SizeConditioning

SIDES = st.integers(8, 512).map(lambda eighths: 8 * eighths)
SIZES = st.builds(Size, width=SIDES, height=SIDES)
EDGES = st.integers(0, 4096)
RECIPES = st.builds(
    Recipe,
    prompt=st.text(max_size=50) | st.just(AUTOMATIC),
    negative_prompt=st.text(max_size=50),
    seed=st.integers(0, SEED_LIMIT - 1),
    steps=st.integers(1, 150),
    guidance_scale=st.floats(0, 30),
    sampler=st.sampled_from(["Euler", "DPM++ 2M SDE"]),
    schedule=st.sampled_from(["Karras", "Normal"]),
    clip_skip=st.integers(1, 12),
    size=SIZES,
    checkpoint=st.builds(ModelRef, name=st.text("abc/._ ", min_size=1, max_size=20)),
    vae=st.none() | st.just(ModelRef(name="soft")),
    loras=st.just(()) | st.just((LoraUse(model=ModelRef(name="ink"), unet_weight=0.5),)),
    prediction_type=st.sampled_from(["epsilon", "v_prediction"]),
    size_conditioning=st.none()
    | st.builds(SizeConditioning, original=SIZES, crop_left=EDGES, crop_top=EDGES, target=SIZES),
)


@pytest.fixture(scope="module")
def catalog(tiny_home) -> Catalog:
    return Catalog.open([tiny_home / "models"], [tiny_home / "presets"])


@given(RECIPES)
def test_what_is_written_is_read_back(recipe: Recipe) -> None:
    files = {"checkpoint", "vae", "loras", "embeddings", "hypernetworks"}
    decided = recipe.model_dump(exclude={"version", "prompt", "size_conditioning", *files})
    draft = read(write(draft_of(recipe)))
    assert draft.model_dump(include=set(decided)) == decided
    assert draft.prompt == with_tags(recipe.prompt, tags(recipe))
    assert draft.checkpoint == recipe.checkpoint.name
    assert draft.vae == (recipe.vae.name if recipe.vae else OWN_VAE)
    own = SizeConditioning(original=recipe.size, target=recipe.size)
    assert (draft.size_conditioning or own) == (recipe.size_conditioning or own)


@given(RECIPES, st.sets(st.sampled_from(sorted(Draft.model_fields.keys() - {"count"}))))
def test_what_is_kept_is_shown_again_and_nothing_else(recipe: Recipe, names: set[str]) -> None:
    widgets = write(draft_of(recipe))
    wanted = {name: value for name, value in widgets.items() if name.partition(".")[0] in names}
    shown = write(kept(widgets, names))
    if "size" not in names:  # without which the usual conditioning is said as it is
        wanted, shown = (
            {name: value for name, value in values.items() if not name.startswith("size_")}
            for values in (wanted, shown)
        )
    assert shown == wanted


def test_what_the_form_leaves_to_gesso_is_kept_as_left_to_it() -> None:
    widgets = {
        "schedule": AUTOMATIC,
        "prediction_type": AUTOMATIC,
        "seed": "",
        "size": "128x64",
        "size_conditioning.original": "",
        "size_conditioning.crop_left": 0,
        "steps": None,
    }
    draft = kept(widgets, ["schedule", "prediction_type", "seed", "size_conditioning", "steps"])
    assert draft.model_dump(exclude_unset=True) == {
        "schedule": AUTOMATIC,
        "prediction_type": None,
        "seed": None,
        "size_conditioning": None,
    }


def test_a_mistake_in_what_is_not_kept_stops_nothing() -> None:
    widgets = {"seed": "many", "steps": 30, "size": "128x64"}
    assert kept(widgets, ["steps", "prompt", "no such field"]) == Draft(steps=30)
    with pytest.raises(RequestError) as refused:
        kept(widgets, ["steps", "seed"])
    assert refused.value.field == "seed"


@pytest.mark.parametrize("checkpoint", ["tiny-sd1", "tiny-sdxl"])
def test_a_recipe_survives_the_form_and_a_new_decision(catalog: Catalog, checkpoint: str) -> None:
    asked = Draft(prompt="a boat", seed=SEED_LIMIT - 1, checkpoint=checkpoint, size="128x64")
    (recipe,) = expand(asked, catalog)
    variant = catalog.checkpoint(checkpoint).variant
    assert expand(read(write(draft_of(recipe), variant)), catalog) == [recipe]


def test_a_prediction_the_checkpoint_makes_anyway_is_left_to_it(catalog: Catalog) -> None:
    (recipe,) = expand(Draft(checkpoint="tiny-sd1"), catalog)
    variant = catalog.checkpoint("tiny-sd1").variant
    assert write(draft_of(recipe), variant)["prediction_type"] == AUTOMATIC
    other = recipe.model_copy(update={"prediction_type": "v_prediction"})
    assert write(draft_of(other), variant)["prediction_type"] == "v_prediction"


def test_what_a_draft_does_not_say_is_left_as_it_stands() -> None:
    shown = write(Draft(prompt="a boat", size="128x64", seed=None))
    assert shown == {"prompt": "a boat", "size": "128x64", "seed": ""}


def test_what_a_draft_leaves_open_is_shown_as_left_to_gesso() -> None:
    shown = write(Draft(prediction_type=None, size_conditioning=None))
    assert shown.pop("prediction_type") == AUTOMATIC
    assert read({"size": "64x64", **shown}).size_conditioning is None
    told = SizeConditioning(original="64x64", target="128x64")
    assert write(Draft(size_conditioning=told))["size_conditioning.target"] == "128x64"


def test_labels_help_and_ranges_come_from_the_fields() -> None:
    steps, count = facts("steps"), facts("count")
    assert (steps.label, steps.minimum, steps.maximum, steps.default) == ("Steps", 1, 150, 20)
    assert steps.help == Recipe.model_fields["steps"].description
    assert (count.label, count.minimum, count.maximum) == ("Pictures", 1, MAX_COUNT)
    assert facts("size_conditioning.crop_left").label == "Crop left"


@pytest.mark.parametrize("typed", [None, "", "  ", "-1"])
def test_an_empty_seed_is_a_fresh_one(typed: str | None) -> None:
    assert read({"seed": typed}).seed is None


@pytest.mark.parametrize("typed", ["abc", "1.5", "-2", "1e9", "٣", "9" * 21, "9" * 10_000])
def test_a_seed_that_is_no_whole_number_gets_a_sentence(typed: str) -> None:
    with pytest.raises(RequestError) as refused:
        read({"seed": typed})
    assert refused.value.field == "seed"
    assert len(refused.value.message) < 100


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"size": "63x512"}, "size"),
        ({"size": "wide"}, "size"),
        ({"steps": "many"}, "steps"),
        ({"count": 0}, "count"),
        ({"count": MAX_COUNT + 1}, "count"),
        ({"prompt": ["a", "list"]}, "prompt"),
        ({"size": "64x64", "size_conditioning.crop_left": -8}, "size_conditioning"),
        ({"path": "/etc/passwd"}, "path"),
    ],
)
def test_whatever_a_browser_sends_is_checked(values: dict[str, object], field: str) -> None:
    with pytest.raises(RequestError) as refused:
        read(values)
    assert refused.value.field == field


def test_a_schedule_that_the_sampler_takes_anyway_is_left_to_it(catalog: Catalog) -> None:
    variant = catalog.checkpoint("tiny-sd1").variant

    def start(sampler: str, schedule: str) -> str:
        update = {"sampler": sampler, "schedule": schedule}
        defaults = variant.defaults.model_copy(update=update)
        return starting_values(variant.model_copy(update={"defaults": defaults}))["schedule"]

    assert start("DPM++ 2M", "Karras") == AUTOMATIC
    assert start("DPM++ 2M", "Exponential") == "Exponential"


def test_another_checkpoint_changes_only_what_was_left_untouched(catalog: Catalog) -> None:
    old = starting_values(catalog.checkpoint("tiny-sd1").variant)
    new = {**old, "steps": 30, "size": "1024x1024", "clip_skip": 2}
    held = {**old, "steps": 12, "prompt": "mine"}
    assert refill(held, old, new) == {"size": "1024x1024", "clip_skip": 2}
