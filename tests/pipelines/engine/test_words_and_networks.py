"""LoRAs, embeddings and hypernetworks from a drop folder, through the whole engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipelines import Catalog, Draft, Engine, Recipe, expand, read_recipe, save
from pipelines.errors import StudioError
from pipelines.prompt.chunks import word_of
from tests import tiny

DRAFT = Draft(prompt="a red house", negative_prompt="grey", seed=11, steps=2, checkpoint="tiny-sd1")


def vectors(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5))


def layers(width: int) -> dict[str, torch.Tensor]:
    return {
        "linear.0.weight": vectors(2 * width, width) / 4,
        "linear.0.bias": vectors(2 * width) / 4,
        "linear.1.weight": vectors(width, 2 * width) / 4,
        "linear.1.bias": vectors(width) / 4,
    }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    models, presets = tiny.install(tmp_path_factory.mktemp("tiny"), ("sd1", "sdxl"))
    words, networks = models / "embeddings", models / "hypernetworks"
    for folder in (words, networks, models / "loras"):
        folder.mkdir()
    place = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_v"
    pair = {"lora_down.weight": vectors(2, 32), "lora_up.weight": vectors(32, 2)}
    ink = {f"{place}.{part}": tensor for part, tensor in pair.items()}
    save_file(ink, models / "loras" / "ink.safetensors")
    torch.save({"string_to_param": {"*": vectors(3, 32)}, "step": 1}, words / "zorple.pt")
    two = {"clip_l": vectors(2, 32), "clip_g": vectors(2, 48)}
    save_file(two, words / "zorple.safetensors")
    torch.save({"<wide>": vectors(1, 48)}, words / "wide.bin")
    for width, name in ((32, "wash.pt"), (80, "wash-xl.pt")):
        content = {width: (layers(width), layers(width)), "activation_func": "relu"}
        torch.save({**content, "activate_output": False}, networks / name)
    for file in models.rglob("*.*"):
        os.utime(file, (1e9, 1e9))
    return Engine(Catalog.open([models], presets=[presets]), dtype="float32")


def one(engine: Engine, **changes: object) -> Recipe:
    [recipe] = expand(DRAFT.model_copy(update=changes), engine.catalog)
    return recipe


def pixels(engine: Engine, **changes: object) -> bytes:
    return engine.render(one(engine, **changes)).image.tobytes()


@pytest.mark.parametrize("checkpoint", ["tiny-sd1", "tiny-sdxl"])
def test_typing_the_name_of_an_embedding_changes_the_picture(
    engine: Engine, checkpoint: str
) -> None:
    plain = pixels(engine, checkpoint=checkpoint)
    word = pixels(engine, checkpoint=checkpoint, prompt="a red house, Zorple")
    negative = pixels(engine, checkpoint=checkpoint, negative_prompt="grey, zorple")
    assert len({plain, word, negative}) == 3
    assert pixels(engine, checkpoint=checkpoint) == plain


@pytest.mark.parametrize(("checkpoint", "width"), [("tiny-sd1", 32), ("tiny-sdxl", 80)])
def test_of_two_embeddings_of_one_name_the_one_that_fits_is_read(
    engine: Engine, checkpoint: str, width: int
) -> None:
    [found] = one(engine, prompt="a Zorple house", checkpoint=checkpoint).embeddings
    assert word_of(found.name) == "zorple"
    assert engine.catalog.recall_model("embedding", found).entry.width == width


def test_one_of_another_width_is_an_ordinary_word(engine: Engine) -> None:
    recipe = one(engine, prompt="a wide house")
    assert recipe.embeddings == ()
    engine.render(recipe)


def test_a_hypernetwork_bends_the_picture_and_strength_zero_is_the_picture_without(
    engine: Engine,
) -> None:
    plain = pixels(engine)
    full = pixels(engine, prompt="a red house <hypernet:wash>")
    half = pixels(engine, prompt="a red house <hypernet:wash:0.5>")
    assert len({plain, full, half}) == 3
    assert pixels(engine, prompt="a red house <hypernet:wash:0>") == plain
    assert pixels(engine) == plain


def test_a_lora_of_weight_zero_is_kept_with_the_picture_without(engine: Engine) -> None:
    plain = pixels(engine)
    full = pixels(engine, prompt="a red house <lora:ink>")
    idle = engine.render(one(engine, prompt="a red house <lora:ink:0>"))
    assert full != plain
    assert idle.image.tobytes() == plain
    assert [(use.model.name, use.unet_weight) for use in idle.recipe.loras] == [("ink", 0)]


def test_a_hypernetwork_for_another_model_is_refused_before_anything_is_loaded(
    engine: Engine,
) -> None:
    with pytest.raises(StudioError, match="wash-xl does not go with tiny-sd1") as caught:
        one(engine, prompt="a red house <hypernet:wash-xl>")
    assert caught.value.field == "prompt"


def test_a_saved_picture_is_made_again_byte_for_byte(engine: Engine, tmp_path: Path) -> None:
    picture = engine.render(one(engine, prompt="a zorple house <hypernet:wash:0.5>"))
    save(picture, tmp_path / "first.png")
    recipe = read_recipe(tmp_path / "first.png")
    save(engine.render(recipe), tmp_path / "again.png")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_a_recipe_names_its_embedding_as_its_prompt_does_whatever_the_file_is_called_now(
    engine: Engine,
) -> None:
    made = engine.render(one(engine, prompt="a zorple house"))
    [ref] = made.recipe.embeddings
    assert ref.sha256 is not None
    former = ref.model_copy(update={"name": "styles/purple"})
    recipe = made.recipe.model_copy(update={"prompt": "a purple house", "embeddings": (former,)})
    assert engine.render(recipe).image.tobytes() == made.image.tobytes()
