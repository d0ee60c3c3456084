"""Only what changed is computed again, and what is remembered is what would be computed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipelines import Catalog, Draft, Engine, Recipe, expand
from pipelines.engine.stages import Keys, Stages
from pipelines.events import Event, Step
from pipelines.models.model_set import ModelSet
from pipelines.picture import Picture
from tests import tiny
from tests.original_layout import vae_to_original
from tests.pipelines.engine.trouble import counted

ASKED = {"prompt": "a red house", "seed": 11, "steps": 3, "checkpoint": "tiny-sd1", "vae": "None"}
NOTHING: dict[str, int] = {}
DECODED = {"vae": 1}
DENOISED = {"unet": 3, **DECODED}
ENCODED = {"text": 2, **DENOISED}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    models, presets = tiny.install(tmp_path_factory.mktemp("tiny"), ("sd1",))
    _save_vae(models / "vae" / "bright.safetensors")
    _save_lora(models / "loras" / "style.safetensors")
    return Engine(Catalog.open([models], presets=[presets]), dtype="float32", threads=1)


def _save_vae(file: Path) -> None:
    vae: Any = tiny.components("sd1")["vae"]
    vae.decoder.conv_out.bias += 0.2
    file.parent.mkdir()
    save_file(
        {k: v.contiguous().clone() for k, v in vae_to_original(vae.state_dict(), 4).items()}, file
    )


def _save_lora(file: Path) -> None:
    """One that changes both a text encoder and the UNet, as kohya writes it."""
    parts = tiny.components("sd1")
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for prefix, module, end in (
        ("lora_te_text_model_", parts["text_encoder"], ".q_proj"),
        ("lora_unet_", parts["unet"], ".attn2.to_k"),
    ):
        for name, layer in module.named_modules():
            if name.endswith(end) and isinstance(layer, nn.Linear):
                key = prefix + name.removeprefix("text_model.").replace(".", "_")
                wide, high = layer.in_features, layer.out_features
                tensors[f"{key}.lora_down.weight"] = torch.randn(2, wide, generator=generator)
                tensors[f"{key}.lora_up.weight"] = torch.randn(high, 2, generator=generator)
                tensors[f"{key}.alpha"] = torch.tensor(2.0)
    file.parent.mkdir()
    save_file(tensors, file)


def recipe(engine: Engine, **changes: Any) -> Recipe:
    [one] = expand(Draft.of({**ASKED, **changes}), engine.catalog)
    return one


def painted(engine: Engine, **changes: Any) -> tuple[Picture, dict[str, int]]:
    """A picture, and how often each part ran for it."""
    asked = recipe(engine, **changes)
    models = engine.manager.ready(
        ModelSet.of(asked, engine.catalog), lambda _: None, lambda: False, asked.size
    )
    with counted(models) as calls:
        return engine.render(asked), dict(calls)


def afresh(engine: Engine, **changes: Any) -> Picture:
    engine.stages.forget()
    return painted(engine, **changes)[0]


@pytest.fixture(autouse=True)
def first(engine: Engine) -> Picture:
    """The picture that is remembered when a test begins."""
    engine.stages.forget()
    engine.load(engine.catalog.checkpoint("tiny-sd1"))
    picture, calls = painted(engine)
    assert calls == ENCODED
    return picture


def test_the_same_recipe_paints_nothing_again_and_gives_the_same_picture(engine, first) -> None:
    again, calls = painted(engine)
    assert calls == NOTHING
    assert again.image.tobytes() == first.image.tobytes()
    assert again.recipe == first.recipe
    again_facts, first_facts = (p.facts.model_dump(exclude={"seconds"}) for p in (again, first))
    assert again_facts == first_facts
    assert again.facts.seconds is not None


def test_a_remembered_picture_loads_nothing(engine, first) -> None:
    engine.manager.free()
    told: list[Event] = []
    assert engine.render(recipe(engine), told.append).image.tobytes() == first.image.tobytes()
    assert [event.type for event in told] == ["encoding", "step", "decoding"]
    assert isinstance(told[1], Step) and (told[1].i, told[1].n) == (3, 3)
    assert engine.checkpoint is None


def test_drawing_on_a_picture_leaves_what_is_remembered_alone(engine, first) -> None:
    painted(engine)[0].image.paste("red", (0, 0, 64, 64))
    assert painted(engine)[0].image.tobytes() == first.image.tobytes()


CHANGES: list[tuple[dict[str, Any], dict[str, int]]] = [
    ({"seed": 12}, DENOISED),
    ({"steps": 2}, {**DENOISED, "unet": 2}),
    ({"guidance_scale": 3.0}, DENOISED),
    ({"sampler": "Euler a"}, DENOISED),
    ({"schedule": "Exponential"}, DENOISED),
    ({"size": "128x64"}, DENOISED),
    ({"prediction_type": "v_prediction"}, DENOISED),
    ({"prompt": "a blue house"}, ENCODED),
    ({"negative_prompt": "grey"}, ENCODED),
    ({"clip_skip": 2}, ENCODED),
    ({"vae": "bright"}, DECODED),
    ({"prompt": "a red house <lora:style:0:0.5>"}, DENOISED),
    ({"prompt": "a red house <lora:style:0.5:0>"}, ENCODED),
    ({"prompt": "a red house <lora:style:0:0>"}, NOTHING),
]


@pytest.mark.parametrize(("changes", "wanted"), CHANGES, ids=lambda value: str(value))
def test_only_what_changed_is_computed_again(engine, first, changes, wanted) -> None:
    picture, calls = painted(engine, **changes)
    assert calls == wanted
    assert picture.image.tobytes() == afresh(engine, **changes).image.tobytes()
    assert (picture.image.tobytes() == first.image.tobytes()) == (wanted == NOTHING)


def test_a_loras_text_weight_encodes_anew_and_its_unet_weight_only_denoises(engine) -> None:
    def weighted(text: float, unet: float) -> dict[str, int]:
        return painted(engine, prompt=f"a red house <lora:style:{text}:{unet}>")[1]

    assert weighted(0.5, 0.5) == ENCODED
    assert weighted(0.5, 0.7) == DENOISED
    assert weighted(0.3, 0.7) == ENCODED
    assert weighted(0.5, 0.5) == NOTHING, "all of them are remembered"


def test_going_back_after_another_seed_and_another_vae_computes_nothing(engine, first) -> None:
    for changes in ({"seed": 12}, {"vae": "bright"}, {"seed": 12, "vae": "bright"}):
        painted(engine, **changes)
    picture, calls = painted(engine)
    assert calls == NOTHING
    assert picture.image.tobytes() == first.image.tobytes()


def test_previews_do_not_matter(engine, first) -> None:
    seen: list[Event] = []
    engine.stages.forget()
    with_previews = engine.render(recipe(engine), seen.append)
    assert any(isinstance(event, Step) and event.preview for event in seen)
    assert with_previews.image.tobytes() == first.image.tobytes()


def test_a_file_that_changed_is_another_one(engine) -> None:
    asked = recipe(engine, vae="bright")
    before = Keys.of(asked, ModelSet.of(asked, engine.catalog))
    path = engine.catalog.model("vae", "bright").path
    os.utime(path, (1e9, 1e9))
    engine.catalog.rescan()
    after = Keys.of(asked, ModelSet.of(asked, engine.catalog))
    assert before.latents == after.latents
    assert before.pixels != after.pixels


def test_the_least_recently_used_leaves_when_the_budget_is_full() -> None:
    stages = Stages(budget=10)
    for key in "abc":
        stages.once(key, lambda: 0, lambda _: 4)
    assert [key in stages for key in "abc"] == [False, True, True]
    stages.once("b", lambda: pytest.fail("it is remembered"), lambda _: 4)
    stages.once("d", lambda: 0, lambda _: 4)
    assert [key in stages for key in "bcd"] == [True, False, True]
    assert stages.bytes == 8
    stages.once("too large", lambda: 0, lambda _: 11)
    assert "too large" not in stages and "b" in stages
    stages.forget()
    assert stages.bytes == 0 and "b" not in stages


def test_what_failed_is_not_remembered() -> None:
    stages = Stages()
    with pytest.raises(ZeroDivisionError):
        stages.once("a", lambda: 1 // 0, lambda _: 1)
    assert stages.once("a", lambda: 7, lambda _: 1) == 7
