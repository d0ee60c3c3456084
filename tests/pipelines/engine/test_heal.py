"""Out of memory, or numbers that are none: the picture arrives, and says by what means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from pipelines import Catalog, Draft, Engine, Recipe, expand, save
from pipelines.engine.heal import Ladder
from pipelines.engine.means import measures
from pipelines.engine.render import Painted, render
from pipelines.engine.stages import Stages
from pipelines.errors import InvalidNumbers, OutOfMemory
from pipelines.events import Event, Notice, Step
from pipelines.metadata import read_facts
from pipelines.models.manager import ModelManager
from pipelines.models.model_set import ModelSet
from tests import tiny
from tests.pipelines.engine.trouble import counted, short_of_memory, without_numbers

WIDE = "576x64"
"""Latents of 72 x 8: more than one tile of 64."""

CALM = {
    "prompt": "a red house",
    "seed": 5,
    "steps": 2,
    "checkpoint": "tiny-sd1",
    "sampler": "Euler",
}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    models, presets = tiny.install(tmp_path_factory.mktemp("tiny"), ("sd1", "sd2"))
    folder = models / "checkpoints"
    _overflow(folder, "unet", "model.diffusion_model.input_blocks.0.0.weight", 6e4)
    _overflow(folder, "vae", "first_stage_model.decoder.conv_in.weight", 2e4)
    return Catalog.open([models], presets=[presets])


def _overflow(folder: Path, name: str, weight: str, factor: float) -> None:
    """A checkpoint whose numbers are too large for float16 from that layer on."""
    tensors = load_file(folder / "tiny-sd1.safetensors")
    tensors[weight] *= factor
    assert tensors[weight].half().isfinite().all()
    save_file(tensors, folder / f"large-{name}.safetensors")


@pytest.fixture(scope="module")
def engine(catalog: Catalog) -> Engine:
    return Engine(catalog, dtype="float32", threads=1)


@pytest.fixture(scope="module")
def half(catalog: Catalog) -> Engine:
    return Engine(catalog, dtype="bfloat16", threads=1)


@pytest.fixture(autouse=True)
def calm(engine: Engine, half: Engine) -> Iterator[None]:
    """Nothing is remembered and nothing healed when a test begins."""
    engine.free()
    half.free()
    yield


def recipe(catalog: Catalog, **changes: Any) -> Recipe:
    [one] = expand(Draft.of({**CALM, **changes}), catalog)
    return one


def models_of(engine: Engine, asked: Recipe) -> Any:
    engine.load(engine.catalog.recall(asked.checkpoint))  # which also fits its preview
    wanted = ModelSet.of(asked, engine.catalog)
    return engine.manager.ready(wanted, lambda _: None, lambda: False, asked.size)


def notices(told: list[Event]) -> list[str]:
    return [event.message for event in told if isinstance(event, Notice)]


def levels(one: Image.Image, other: Image.Image) -> int:
    """The greatest difference of two pictures."""
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


def test_a_picture_too_large_to_decode_is_decoded_in_tiles(engine: Engine, tmp_path: Path) -> None:
    asked = recipe(engine.catalog, size=WIDE)
    whole = engine.render(asked)
    engine.free()
    told: list[Event] = []
    models = models_of(engine, asked)
    with short_of_memory(models.vae.decoder, room=4 * 64 * 8), counted(models) as calls:
        picture = engine.render(asked, told.append)
    assert calls["unet"] == 2, "the latents were not painted again"
    assert picture.facts.healed == ("tiles of 512 pixels",)
    assert notices(told) == [
        "There was not enough memory to decode the picture as a whole: it was decoded in tiles of "
        "512 pixels."
    ]
    assert levels(picture.image, whole.image) <= 1
    save(picture, tmp_path / "picture.png")
    assert read_facts(tmp_path / "picture.png").healed == picture.facts.healed


def test_smaller_tiles_are_tried_when_the_first_are_still_too_large(engine: Engine) -> None:
    asked = recipe(engine.catalog, size=WIDE)
    models = models_of(engine, asked)
    last = models.vae.decoder.conv_out
    with short_of_memory(last, room=32 * (32 * 8 + 2) * 66):
        picture = engine.render(asked)
    assert picture.facts.healed == ("tiles of 256 pixels",)


def test_a_guidance_pair_without_room_is_split(engine: Engine) -> None:
    asked = recipe(engine.catalog)
    together = engine.render(asked)
    engine.free()
    told: list[Event] = []
    models = models_of(engine, asked)
    with short_of_memory(models.unet, room=4 * 8 * 8), counted(models) as calls:
        picture = engine.render(asked, told.append)
    assert calls["text"] == 2, "the prompts were not read again"
    assert calls["unet"] == 2 * 2
    assert picture.facts.healed == ("split guidance",)
    assert len(notices(told)) == 1
    assert levels(picture.image, together.image) <= 1


def test_a_failure_in_the_middle_gives_the_picture_of_one_at_the_start(engine: Engine) -> None:
    asked = recipe(engine.catalog, sampler="Euler a", steps=4)
    pictures = []
    for at in (1, 3):
        engine.free()
        models = models_of(engine, asked)
        calls = 0

        def fail(*_: object, at: int = at) -> None:
            nonlocal calls
            calls += 1
            if calls == at:
                raise MemoryError

        handle = models.unet.register_forward_pre_hook(fail)
        pictures.append(engine.render(asked))
        handle.remove()
    assert pictures[0].facts.healed == pictures[1].facts.healed == ("split guidance",)
    assert pictures[0].image.tobytes() == pictures[1].image.tobytes()


def test_models_that_are_not_in_use_make_room_for_a_prompt(engine: Engine) -> None:
    engine.render(recipe(engine.catalog, checkpoint="tiny-sd2"))
    asked = recipe(engine.catalog)
    models = models_of(engine, asked)
    told: list[Event] = []
    with short_of_memory(models.encoders[0].module, room=0, times=1):
        picture = engine.render(asked, told.append)
    assert picture.facts.healed == ("idle models offloaded",)
    assert notices(told) == [
        "There was not enough memory: models that were not in use at the moment made room."
    ]


def test_what_helped_is_done_at_once_for_the_next_picture_and_told_again(engine: Engine) -> None:
    asked = recipe(engine.catalog)
    models = models_of(engine, asked)
    with short_of_memory(models.unet, room=4 * 8 * 8, times=1):
        engine.render(asked)
    told: list[Event] = []
    with counted(models) as calls:
        again = engine.render(recipe(engine.catalog, seed=6), told.append)
    assert calls["unet"] == 2 * 2
    assert again.facts.healed == ("split guidance",)
    assert len(notices(told)) == 1


def test_a_picture_of_another_size_is_made_the_usual_way(engine: Engine) -> None:
    models = models_of(engine, recipe(engine.catalog))
    with short_of_memory(models.unet, room=4 * 8 * 8, times=1):
        engine.render(recipe(engine.catalog))
    told: list[Event] = []
    picture = engine.render(recipe(engine.catalog, size="128x64"), told.append)
    assert picture.facts.healed == () and notices(told) == []


def test_a_remembered_picture_says_what_it_was_healed_by(engine: Engine) -> None:
    asked = recipe(engine.catalog)
    models = models_of(engine, asked)
    with short_of_memory(models.unet, room=4 * 8 * 8, times=1):
        first = engine.render(asked)
    told: list[Event] = []
    with counted(models) as calls:
        again = engine.render(asked, told.append)
    assert not calls
    assert again.facts.healed == first.facts.healed == ("split guidance",)
    assert len(notices(told)) == 1


def test_the_same_recipe_and_facts_give_the_same_bytes(engine: Engine) -> None:
    asked = recipe(engine.catalog, size=WIDE)
    pictures = []
    for _ in range(2):
        engine.free()
        models = models_of(engine, asked)
        with (
            short_of_memory(models.unet, room=4 * 8 * 72, times=1),
            short_of_memory(models.vae.decoder, room=0, times=1),
        ):
            pictures.append(engine.render(asked))
    one, other = pictures
    assert one.facts.healed == other.facts.healed == ("split guidance", "tiles of 512 pixels")
    assert one.image.tobytes() == other.image.tobytes()


def test_when_nothing_helps_the_error_says_what_was_tried_and_the_next_job_runs(
    engine: Engine,
) -> None:
    asked = recipe(engine.catalog)
    models = models_of(engine, asked)
    with short_of_memory(models.unet, room=0), pytest.raises(OutOfMemory) as caught:
        engine.render(asked)
    assert caught.value.message == (
        "There is not enough memory for this picture, even with split guidance."
    )
    assert caught.value.cure
    assert caught.value.__traceback__ is not None
    assert engine.render(recipe(engine.catalog, size="128x64")).facts.healed == ()


def test_a_unet_without_numbers_paints_in_float32(half: Engine) -> None:
    asked = recipe(half.catalog)
    told: list[Event] = []
    with without_numbers(models_of(half, asked).unet, torch.bfloat16, after=1):
        picture = half.render(asked, told.append)
        again = half.render(recipe(half.catalog, seed=6))
    assert picture.facts.healed == again.facts.healed == ("UNet in float32",)
    assert picture.facts.dtype == "bfloat16"
    assert notices(told) == [
        "The UNet lost its numbers (NaN) in half precision: it painted in float32."
    ]
    assert models_of(half, asked).unet.dtype == torch.float32


def test_nan_is_noticed_at_its_step(half: Engine) -> None:
    asked = recipe(half.catalog, steps=9)
    told: list[Event] = []
    with without_numbers(models_of(half, asked).unet, torch.bfloat16, after=2):
        half.render(asked, told.append)
    steps = [event.i for event in told if isinstance(event, Step)]
    assert steps == [1, 2, *range(1, 10)]


def test_a_vae_without_numbers_decodes_in_float32_and_is_what_it_was_before(half: Engine) -> None:
    asked = recipe(half.catalog)
    models = models_of(half, asked)
    before = {name: tensor.clone() for name, tensor in models.vae.state_dict().items()}
    homes = [tensor.data_ptr() for tensor in models.vae.parameters()]
    told: list[Event] = []
    with (
        without_numbers(models.vae.decoder, torch.bfloat16),
        counted(models) as calls,
    ):
        picture = half.render(asked, told.append)
    assert calls["unet"] == 2, "the latents were not painted again"
    assert picture.facts.healed == ("VAE in float32",)
    assert notices(told) == [
        "The VAE lost its numbers (NaN) in half precision: it decoded in float32."
    ]
    assert [tensor.data_ptr() for tensor in models.vae.parameters()] == homes
    for name, tensor in models.vae.state_dict().items():
        assert tensor.dtype == torch.bfloat16 and torch.equal(tensor, before[name])


def test_numbers_that_stay_away_are_an_error_that_says_what_was_tried(engine, half) -> None:
    asked = recipe(engine.catalog)
    models = models_of(engine, asked)
    with without_numbers(models.unet, torch.float32), pytest.raises(InvalidNumbers, match="step 1"):
        engine.render(asked)
    models = models_of(half, asked)
    with (
        without_numbers(models.vae.decoder, torch.bfloat16),
        without_numbers(models.vae.decoder, torch.float32),
        pytest.raises(InvalidNumbers, match="even with VAE in float32"),
    ):
        half.render(asked)


@pytest.mark.parametrize(
    ("checkpoint", "healed"),
    [("large-unet", "UNet in bfloat16"), ("large-vae", "VAE in float32")],
)
def test_what_overflows_float16_is_painted_all_the_same(
    catalog: Catalog, checkpoint: str, healed: str
) -> None:
    asked = recipe(catalog, checkpoint=checkpoint)
    painted = _in_float16(asked, catalog)
    assert painted.healed == (healed,)
    usual = Engine(catalog, dtype="float32", threads=1).render(asked)
    mean = np.abs(np.asarray(painted.image, float) - np.asarray(usual.image, float)).mean()
    assert mean < 8, "of 256 levels"


def _in_float16(asked: Recipe, catalog: Catalog) -> Painted:
    """As a graphics device computes; an Engine refuses float16 on a processor."""
    manager = ModelManager(torch.device("cpu"), torch.float16)
    wanted = ModelSet.of(asked, catalog)
    return render(asked, wanted, Ladder(manager), Stages(), lambda _: None, lambda: False)


def test_a_unet_that_is_kept_in_float8_is_a_fact_of_the_picture(engine: Engine) -> None:
    asked = recipe(engine.catalog)
    models = replace(models_of(engine, asked), unet_storage="float8_e4m3fn")
    means = Ladder(engine.manager).means(models)
    [kept] = measures(means, "denoise")
    assert kept.fact == "UNet kept in float8"
    assert not measures(means, "decode")
