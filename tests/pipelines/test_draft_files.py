"""The files that a draft asks for beside its checkpoint: by tag, by word, by name."""

import pytest

from pipelines.catalog import PRESETS, Catalog
from pipelines.draft import Draft, check, expand
from pipelines.errors import RequestError, UnknownModel, WrongModel
from pipelines.prompt.networks import LoraAsked
from pipelines.recipe import HypernetworkUse, LoraUse, ModelRef, Recipe
from tests import tiny
from tests.pipelines.library import files


def decide(catalog, **asked):
    (recipe,) = expand(Draft(**{"checkpoint": "tiny-sd1", "seed": 7, **asked}), catalog)
    return recipe


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
