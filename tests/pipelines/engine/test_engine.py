"""From a draft to a picture and back, on tiny models found in a drop folder."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipelines import Cancelled, Catalog, Draft, Engine, Recipe, expand, read_recipe, save
from pipelines.engine.decode import decode, decode_pixels
from pipelines.engine.preview import PreviewMap
from pipelines.engine.render import text_to_latents
from pipelines.errors import (
    InvalidNumbers,
    RequestError,
    UnknownChoice,
    UnknownModel,
    WrongModel,
)
from pipelines.events import Event, Step
from pipelines.geometry import Size
from pipelines.recipe import ModelRef
from pipelines.samplers import samplers, schedules
from tests import tiny

DRAFT = Draft(prompt="a red house", negative_prompt="grey", seed=11, steps=3, checkpoint="tiny-sd1")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    models, presets = tiny.install(tmp_path_factory.mktemp("tiny"))
    return Engine(Catalog.open([models], presets=[presets]), dtype="float32")


def one(engine: Engine, **changes: object) -> Recipe:
    [recipe] = expand(DRAFT.model_copy(update=changes), engine.catalog)
    return recipe


@pytest.mark.parametrize("family", tiny.NAMES)
def test_the_same_recipe_gives_the_same_bytes(engine: Engine, family: str) -> None:
    recipe = one(engine, checkpoint=f"tiny-{family}")
    first = engine.render(recipe)
    engine.stages.forget()
    again = engine.render(recipe)
    assert first.image.size == (recipe.size.width, recipe.size.height)
    assert first.image.tobytes() == again.image.tobytes()


def test_a_saved_picture_gives_its_recipe_back_and_that_the_same_bytes(
    engine: Engine, tmp_path: Path
) -> None:
    picture = engine.render(one(engine))
    save(picture, tmp_path / "first.png")
    recipe = read_recipe(tmp_path / "first.png")
    assert recipe == picture.recipe
    engine.stages.forget()
    save(engine.render(recipe), tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "first.png").read_bytes()


def test_a_recipe_finds_its_very_file_and_refuses_another_of_that_name(engine: Engine) -> None:
    made = engine.render(one(engine)).recipe
    assert made.checkpoint.sha256 is not None
    renamed = made.checkpoint.model_copy(update={"name": "called something else by now"})
    engine.render(made.model_copy(update={"checkpoint": renamed}))
    changed = made.checkpoint.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(UnknownModel, match="not the file this recipe was made with"):
        engine.render(made.model_copy(update={"checkpoint": changed}))


def test_a_picture_of_a_batch_is_the_picture_of_its_seed_alone(engine: Engine) -> None:
    batch = expand(DRAFT.model_copy(update={"count": 3, "sampler": "Euler a"}), engine.catalog)
    assert [recipe.seed for recipe in batch] == [11, 12, 13]
    together = [engine.render(recipe).image.tobytes() for recipe in batch]
    engine.stages.forget()
    alone = engine.render(one(engine, sampler="Euler a", seed=12)).image.tobytes()
    assert together[1] == alone
    assert len(set(together)) == 3


def test_a_change_of_checkpoint_leaves_no_trace(engine: Engine) -> None:
    first = engine.render(one(engine)).image.tobytes()
    engine.render(one(engine, checkpoint="tiny-sdxl"))
    engine.stages.forget()
    assert engine.render(one(engine)).image.tobytes() == first


def test_events_tell_the_story_in_order(engine: Engine) -> None:
    told: list[Event] = []
    engine.free()
    engine.render(one(engine), told.append)
    kinds = [event.type for event in told]
    assert kinds[0] == "loading"
    assert [kind for kind in kinds if kind != "loading"] == ["encoding", *["step"] * 3, "decoding"]
    steps = [event for event in told if isinstance(event, Step)]
    assert [(step.i, step.n) for step in steps] == [(1, 3), (2, 3), (3, 3)]
    assert all(step.preview and step.preview.startswith(b"\xff\xd8") for step in steps)


@pytest.mark.parametrize("sampler", ["Euler", "Heun", "DPM++ SDE"])
def test_a_stop_is_heard_within_one_evaluation(engine: Engine, sampler: str) -> None:
    recipe = one(engine, sampler=sampler, steps=20)
    engine.stages.forget()
    done: list[Event] = []
    with pytest.raises(Cancelled):
        engine.render(recipe, done.append, stop=lambda: len(done) >= 4)
    assert sum(isinstance(event, Step) for event in done) <= 4
    assert engine.render(one(engine)).image.size == (64, 64), "the next job is not touched"


def test_every_sampler_and_schedule_paints(engine: Engine) -> None:
    for sampler in samplers():
        image = engine.render(
            one(engine, sampler=sampler.name, schedule="Automatic", steps=2)
        ).image
        assert image.getextrema() != ((0, 0),) * 3, sampler.name
    for schedule in schedules():
        engine.render(one(engine, sampler="Euler", schedule=schedule.name, steps=2))


def test_weights_of_the_prompt_change_the_picture(engine: Engine) -> None:
    plain = engine.render(one(engine)).image.tobytes()
    assert engine.render(one(engine, prompt="a (red:1.5) house")).image.tobytes() != plain
    assert engine.render(one(engine, prompt="a (red:1.0) house")).image.tobytes() == plain


def test_not_a_number_is_never_saved_as_a_black_picture() -> None:
    models = replace(tiny.loaded("sd1"), unet=copy.deepcopy(tiny.loaded("sd1").unet))
    assert models.unet.conv_out.bias is not None
    models.unet.conv_out.bias.fill_(float("nan"))
    asked = Recipe(
        seed=1, steps=3, size=Size(width=64, height=64), checkpoint=ModelRef(name="tiny-sd1")
    )
    with torch.inference_mode(), pytest.raises(InvalidNumbers, match="at step 1") as caught:
        text_to_latents(asked, models)
    assert "checkpoint is damaged" in caught.value.cure


def test_a_vae_that_gives_no_numbers_is_told_at_the_end_not_while_loading() -> None:
    models = replace(tiny.loaded("sd1"), vae=copy.deepcopy(tiny.loaded("sd1").vae))
    bias = models.vae.decoder.conv_out.bias
    assert bias is not None
    bias.fill_(float("nan"))
    with torch.inference_mode():
        preview = PreviewMap.fit(models)
        assert preview.jpeg(torch.zeros(1, 4, 8, 8)).startswith(b"\xff\xd8")
        with pytest.raises(InvalidNumbers, match="VAE"):
            decode(torch.zeros(1, 4, 8, 8), models)


def test_sdxl_decodes_in_float32_and_goes_back_to_half_precision_bit_for_bit() -> None:
    models = tiny.loaded("sdxl")
    half = replace(models, vae=copy.deepcopy(models.vae).half())
    before = {key: tensor.clone() for key, tensor in half.vae.state_dict().items()}
    latents = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        pixels = decode_pixels(latents, half)
        wide = replace(models, vae=copy.deepcopy(half.vae).float())
        assert torch.equal(pixels, decode_pixels(latents, wide))
    for key, tensor in half.vae.state_dict().items():
        assert tensor.dtype == torch.float16 and torch.equal(tensor, before[key])


def test_the_preview_looks_like_the_picture_to_come() -> None:
    models = tiny.loaded("sd1")
    with torch.inference_mode():
        preview = PreviewMap.fit(models)
        assert preview.weight.shape == (5, 3)
        assert preview.jpeg(torch.zeros(1, 4, 8, 8)).startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({"checkpoint": "no-such-model"}, UnknownModel, "checkpoint"),
        ({"sampler": "Eulr"}, UnknownChoice, "sampler"),
        ({"schedule": "Kerras"}, UnknownChoice, "schedule"),
        ({"guidance_scale": float("nan")}, RequestError, "guidance_scale"),
        ({"prompt": "x" * 20_000}, RequestError, "prompt"),
        ({"seed": 2**64}, RequestError, "seed"),
        ({"steps": 0}, RequestError, "steps"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_runs(
    engine: Engine, changes: dict[str, object], error: type[RequestError], field: str
) -> None:
    with pytest.raises(error) as caught:
        one(engine, **changes)
    assert caught.value.field == field
    assert caught.value.message.endswith(".") and caught.value.cure


def test_a_recipe_for_another_family_is_refused(engine: Engine) -> None:
    recipe = one(engine).model_copy(update={"checkpoint": ModelRef(name="tiny-sdxl")})
    with pytest.raises(WrongModel, match="size conditioning"):
        engine.render(recipe)


def test_a_size_that_is_no_multiple_of_8_names_the_nearest() -> None:
    with pytest.raises(RequestError, match="Use 64") as caught:
        Draft.of({"size": "63x64"})
    assert caught.value.field == "size"
    assert Size.nearest(63, 64) == Size(width=64, height=64)
