"""From what was asked to what is decided."""

import pytest

from pipelines.catalog import PRESETS, Catalog
from pipelines.draft import MAX_COUNT, Draft, check, expand
from pipelines.errors import RequestError, UnknownChoice, UnknownModel, WrongModel
from pipelines.geometry import Size
from pipelines.metadata.a1111 import parameters, parse, to_draft
from pipelines.picture import Facts
from pipelines.prompt.networks import LoraAsked
from pipelines.recipe import (
    SEED_LIMIT,
    HypernetworkUse,
    LoraUse,
    ModelRef,
    Recipe,
    SizeConditioning,
)
from tests import tiny
from tests.pipelines.library import files

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


# Files beside the checkpoint


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """Tiny SD 1 and SDXL checkpoints, and files of every role: made for SD 1, but for those whose
    names begin with "xl"."""
    models, presets = tiny.install(tmp_path_factory.mktemp("beside"), ("sd1", "sdxl"))
    for name in ("ink", "glow", "sub/deep ink", "wash"):
        files.write(models / "loras" / f"{name}.safetensors", files.lora(32))
    files.write(models / "loras" / "xl.safetensors", files.lora(80))
    words = {"bad-hands": 32, "sub/Mood": 32, "Große Stadt": 32, "xl-feel": 80}
    for name, width in words.items():
        vectors = {"emb_params": files.f16(2, width)}
        files.write(models / "embeddings" / f"{name}.safetensors", vectors)
    layer = {"32.0.linear.0.weight": files.f16(64, 32), "32.0.linear.1.weight": files.f16(32, 64)}
    files.write(models / "hypernetworks" / "wash.safetensors", layer)
    vae = {"decoder.conv_in.weight": files.f16(32, 4, 3, 3)}
    files.write(models / "vae" / "soft.safetensors", vae)
    opened = Catalog.open([models], [PRESETS, presets], settle=0)
    yield opened
    opened.close()


def test_tags_leave_the_prompt_and_become_loras(beside):
    recipe = decide(beside, prompt="a cat <lora:ink:0.8>, <hypernet:wash:0.5> <lora:glow:0.2:1>")
    assert recipe.prompt == "a cat,"
    assert recipe.loras == (
        LoraUse(model=beside.model("lora", "ink").ref, unet_weight=0.8, text_encoder_weight=0.8),
        LoraUse(model=ModelRef(name="glow"), unet_weight=1, text_encoder_weight=0.2),
    )
    wash = beside.model("hypernetwork", "wash").ref
    assert recipe.hypernetworks == (HypernetworkUse(model=wash, weight=0.5),)
    check(recipe, beside)


def test_loras_asked_for_beside_the_prompt_come_after_its_own(beside):
    recipe = decide(
        beside,
        prompt="a <lora:ink>",
        loras=("deep ink:0.3", LoraAsked(name="glow", weight=0.5, text_encoder_weight=0)),
    )
    assert [(use.model.name, use.unet_weight, use.text_encoder_weight) for use in recipe.loras] == [
        ("ink", 1, 1),
        ("sub/deep ink", 0.3, 0.3),
        ("glow", 0.5, 0),
    ]


def test_what_adds_nothing_is_kept_with_the_picture_all_the_same(beside):
    recipe = decide(beside, prompt="a cat <lora:ink:0> <hypernet:wash:0>")
    assert [(use.unet_weight, use.text_encoder_weight) for use in recipe.loras] == [(0, 0)]
    assert [use.weight for use in recipe.hypernetworks] == [0]


def test_embeddings_are_those_whose_words_stand_in_either_prompt(beside):
    recipe = decide(beside, prompt="a (mood:1.2)", negative_prompt="Bad-Hands, moods")
    assert [ref.name for ref in recipe.embeddings] == ["sub/Mood", "bad-hands"]
    assert decide(beside, prompt="a moody bad-hands2").embeddings == ()
    assert [ref.name for ref in decide(beside, prompt="große stadt").embeddings] == ["Große Stadt"]
    check(recipe, beside)


def test_a_word_that_names_an_embedding_of_another_family_is_a_word(beside):
    assert decide(beside, prompt="an xl-feel").embeddings == ()
    [ref] = decide(beside, prompt="an xl-feel", checkpoint="tiny-sdxl").embeddings
    assert ref.name == "xl-feel"


def test_a_vae_is_chosen_or_the_checkpoints_own(beside):
    assert decide(beside, vae="soft").vae == beside.model("vae", "soft").ref
    assert decide(beside).vae is decide(beside, vae="Automatic").vae is None
    assert decide(beside, vae="None").vae is None
    check(decide(beside, vae="soft"), beside)


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"prompt": "<lora:inc:1>"}, "prompt", "no LoRA called inc"),
        ({"loras": ("inc:1",)}, "loras", "no LoRA called inc"),
        ({"prompt": "<hypernet:ink:1>"}, "prompt", "ink is not a hypernetwork"),
        ({"prompt": "<lora:tiny-sd1:1>"}, "prompt", "tiny-sd1 is not a LoRA"),
        ({"prompt": "<lora:ink:lots>"}, "prompt", "<lora:ink:lots> cannot be read"),
        ({"prompt": "<lora:ink:12>"}, "prompt", "<lora:ink:12> cannot be read"),
        ({"prompt": "<lora:ink:1:dyn=8>"}, "prompt", "asks for dyn=8, which Gesso does not do"),
        ({"prompt": "<lora:ink> <lora:ink:2>"}, "prompt", "ink is asked for twice"),
        ({"prompt": "<lora:ink>", "loras": ("ink",)}, "loras", "ink is asked for twice"),
        ({"prompt": "<lora:xl:1>"}, "prompt", "xl does not go with tiny-sd1: made for"),
        ({"negative_prompt": "fog <lora:ink:1>"}, "negative_prompt", "does nothing"),
        ({"vae": "hard"}, "vae", "no VAE called hard"),
        ({"vae": "ink"}, "vae", "ink is not a VAE"),
    ],
)
def test_a_file_that_is_not_here_or_does_not_fit_is_refused_naming_the_field(
    beside, asked, field, said
):
    with pytest.raises(RequestError) as caught:
        decide(beside, **asked)
    assert caught.value.field == field
    assert said in caught.value.message
    assert caught.value.cure.endswith((".", "?"))


@pytest.mark.parametrize(
    ("change", "field", "error"),
    [
        ({"vae": {"name": "hard"}}, "vae", UnknownModel),
        ({"loras": [{"model": {"name": "inc"}}]}, "loras", UnknownModel),
        ({"loras": [{"model": {"name": "ink", "sha256": "0" * 64}}]}, "loras", UnknownModel),
        ({"loras": [{"model": {"name": "xl"}}]}, "loras", WrongModel),
        ({"embeddings": [{"name": "xl-feel"}]}, "embeddings", WrongModel),
        ({"hypernetworks": [{"model": {"name": "ink"}}]}, "hypernetworks", WrongModel),
    ],
)
def test_the_files_of_a_recipe_from_elsewhere_are_checked(beside, change, field, error):
    recipe = Recipe.of({**decide(beside).model_dump(), **change})
    with pytest.raises(error) as caught:
        check(recipe, beside)
    assert caught.value.field == field


@pytest.mark.parametrize("lora", ["", "ink:x", {"name": "ink", "weight": 99}, {"weight": 1}, 7])
def test_a_lora_that_cannot_be_asked_for_names_the_field(lora):
    with pytest.raises(RequestError) as caught:
        Draft.of({"loras": [lora]})
    assert caught.value.field == "loras"


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
