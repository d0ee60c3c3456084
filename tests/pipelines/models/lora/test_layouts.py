"""Whoever trained a LoRA, and whatever he calls the modules: the same weights change."""

import functools
import gzip
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipelines.errors import ModelFileError, WrongModel
from pipelines.families import families, variants
from pipelines.models.lora import read_lora
from pipelines.models.names import text_from_original, text_name, unet_from_original
from pipelines.models.skeleton import read_config, text_skeleton, unet_skeleton
from tests.pipelines.models.lora import kinds
from tests.pipelines.models.lora.conftest import layers
from tests.pipelines.models.lora.kinds import Dice
from tests.pipelines.models.lora.spelling import (
    as_it_is,
    comfy,
    dotted,
    early,
    kohya,
    peft,
    processor,
)

PRESETS = Path(__file__).parents[4] / "presets"
PUBLISHED = Path(__file__).parents[1] / "published"
UNET = "model.diffusion_model."
BYTE = torch.float8_e4m3fn
FAMILIES = {family.name: family for family in families()}
VARIANTS = {variant.name: variant for variant in variants([PRESETS])}
FULL_SIZE = ("sd15", "sd2", "sdxl", pytest.param("sdxl-refiner", marks=pytest.mark.slow))


def published(name):
    return json.loads(gzip.decompress((PUBLISHED / f"{name}.json.gz").read_bytes()))


@functools.cache
def full_size_layers(name):
    """(component, module, shape) of every linear layer and convolution of a published model."""
    variant = VARIANTS[name]
    modules = {"unet": unet_skeleton(variant.folder)}
    for encoder in FAMILIES[variant.family].encoders:
        modules[encoder.component] = text_skeleton(variant.folder, encoder.component)
    return [
        (component, place, tuple(layer.weight.shape))
        for component, module in modules.items()
        for place, layer in module.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]


def thin(module, shape):
    """A LoRA of rank 1 for a module."""
    out, *inner = shape
    return {
        f"{module}.lora_up.weight": torch.zeros(out, 1, *[1] * (len(inner) - 1), dtype=BYTE),
        f"{module}.lora_down.weight": torch.zeros(1, *inner, dtype=BYTE),
    }


def read_full_size(name, tensors, tmp_path):
    save_file(tensors, tmp_path / "all.safetensors")
    variant = VARIANTS[name]
    return read_lora(tmp_path / "all.safetensors", FAMILIES[variant.family], variant)


def every_layer(name):
    return sorted((part, f"{module}.weight") for part, module, _ in full_size_layers(name))


@pytest.mark.parametrize("name", FULL_SIZE)
@pytest.mark.parametrize("spelling", [kohya, dotted])
def test_every_layer_of_a_full_size_model_is_found_by_its_name(tmp_path, name, spelling):
    encoders = len(FAMILIES[VARIANTS[name].family].encoders)
    tensors = {}
    for component, module, shape in full_size_layers(name):
        tensors |= thin(spelling(component, module, encoders), shape)

    lora = read_full_size(name, tensors, tmp_path)

    assert lora.skipped == ()
    assert sorted(lora.changes) == every_layer(name)


@pytest.mark.parametrize("name", FULL_SIZE)
@pytest.mark.parametrize(
    "unet", [pytest.param(UNET, marks=pytest.mark.slow), "lora_unet_",
             pytest.param("diffusion_model.", marks=pytest.mark.slow)],
)  # fmt: skip
def test_every_layer_of_a_full_size_model_is_found_by_its_published_name(tmp_path, name, unet):
    """kohya's scripts train SDXL under these names, ComfyUI saves under them."""
    encoders = FAMILIES[VARIANTS[name].family].encoders
    tensors = {}
    for tensor, shape in published(name).items():
        module = tensor.removesuffix(".weight").removesuffix("_weight")
        if len(shape) < 2 or "embedding" in tensor:
            continue
        if module.startswith(UNET):
            plain = module.removeprefix(UNET)
            tensors |= thin(unet + (plain.replace(".", "_") if "lora" in unet else plain), shape)
        elif module.startswith(tuple(encoder.prefix for encoder in encoders)):
            tensors |= thin(module, shape)

    lora = read_full_size(name, tensors, tmp_path)

    # What SD 2 does not use of its text encoder.
    assert all("resblocks.23" in each or "text_projection" in each for each in lora.skipped)
    assert bool(lora.skipped) == (name == "sd2")
    assert sorted(lora.changes) == every_layer(name)


@pytest.mark.parametrize("name", FULL_SIZE)
def test_a_published_name_means_what_diffusers_converts_it_to(tmp_path, name):
    """Each bias is changed by the number of its tensor in the published list."""
    shapes = published(name)
    numbers = {tensor: torch.tensor([float(i)]) for i, tensor in enumerate(shapes)}
    config = read_config(VARIANTS[name].folder, "unet")
    expected = {
        key: number.item()
        for key, number in unet_from_original(numbers, config).items()
        if key.endswith(".bias")
    }
    changes = {
        f"{tensor.removesuffix('.bias')}.diff_b": numbers[tensor].repeat(shape)
        for tensor, shape in shapes.items()
        if tensor.startswith(UNET) and tensor.endswith(".bias")
    }

    lora = read_full_size(name, changes, tmp_path)

    assert expected.keys() == {key.name for key in lora.changes}
    for key, change in lora.changes.items():
        assert change.delta(torch.zeros(change.matrix.rows)).unique().item() == expected[key.name]


@pytest.mark.parametrize("model", ["sd1", "sd2", "sdxl"])
@pytest.mark.parametrize(
    ("spelling", "ending"),
    [(dotted, as_it_is), (dotted, peft), (dotted, early), (dotted, processor), (comfy, as_it_is)],
)
def test_one_lora_spelt_in_two_ways_changes_the_same(
    checkpoint, written, read, model, spelling, ending
):
    loaded = checkpoint(model)
    encoders = len(loaded.encoders)
    changes = {
        place: kinds.lora(tuple(layer.weight.shape), Dice(number)).parts
        for number, (place, layer) in enumerate(layers(loaded, nn.Linear).items())
        if "attn" in place[1]
    }
    usual = read(written(changes, kohya, encoders=encoders), loaded)
    for parts in changes.values():  # Only kohya's files have it.
        alpha = parts.pop("alpha")
        parts["lora_up.weight"] *= alpha / kinds.RANK
    other = read(written(changes, spelling, ending, encoders=encoders, name="b.sft"), loaded)

    assert usual.changes.keys() == other.changes.keys()
    assert len(usual.changes) == len(changes)
    for key, change in usual.changes.items():
        weight = loaded.originals(*key)
        torch.testing.assert_close(change.delta(weight), other.changes[key].delta(weight))


@pytest.mark.parametrize("kind", [kinds.lora, kinds.full, kinds.loha, kinds.lokr_second_factored])
@pytest.mark.parametrize("model", ["sd2", "sdxl"])
def test_what_open_clip_keeps_as_one_matrix_is_parted_and_turned(
    checkpoint, written, read, model, kind
):
    loaded = checkpoint(model)
    facts = loaded.encoders[-1].facts
    examples = {"transformer.resblocks.1.attn.in_proj": kind((144, 48), Dice(1))}
    if facts.pooled:
        examples["text_projection"] = kind((48, 48), Dice(2))
    path = written({(facts.prefix, name): e.parts for name, e in examples.items()},
                   lambda prefix, name, _: prefix + name)  # fmt: skip

    lora = read(path, loaded)

    ends = {"transformer.resblocks.1.attn.in_proj": "_weight", "text_projection": ""}
    deltas = {
        facts.prefix + name + ends[name]: example.changed(
            torch.zeros(48 if name == "text_projection" else 144, 48, dtype=torch.float64)
        ).float()
        for name, example in examples.items()
    }
    expected = text_from_original(deltas, facts)
    assert {text_name(key.name) for key in lora.changes} == expected.keys()
    for key, change in lora.changes.items():
        found = change.delta(torch.zeros(48, 48))
        torch.testing.assert_close(found, expected[text_name(key.name)], rtol=1e-4, atol=1e-5)


def test_a_joined_matrix_of_the_wrong_size_is_refused(checkpoint, written, read):
    loaded = checkpoint("sd2")
    prefix = loaded.encoders[0].facts.prefix
    name = f"{prefix}transformer.resblocks.1.attn.in_proj"
    for rows in (96, 143, 192):
        path = written(
            {("", name): kinds.lora((rows, 48), Dice(1)).parts}, lambda _, name, __: name
        )
        with pytest.raises(WrongModel):
            read(path, loaded)


@pytest.mark.parametrize("kind", [kinds.dora_by_output, kinds.ia3_on_input, kinds.oft])
def test_a_change_that_depends_on_the_whole_joined_matrix_is_refused(
    checkpoint, written, read, kind
):
    loaded = checkpoint("sd2")
    name = f"{loaded.encoders[0].facts.prefix}transformer.resblocks.1.attn.in_proj"
    path = written({("", name): kind((144, 48), Dice(1)).parts}, lambda _, name, __: name)
    with pytest.raises(ModelFileError, match="in a way Gesso does not know"):
        read(path, loaded)


def test_alphas_that_peft_keeps_in_the_header_are_honoured(checkpoint, written, read):
    loaded = checkpoint("sd1")
    block = "mid_block.attentions.0.transformer_blocks.0.attn1."
    places = [("unet", f"{block}to_q"), ("unet", f"{block}to_k"),
              ("text_encoder", "encoder.layers.0.mlp.fc1")]  # fmt: skip
    changes = {
        (component, module): kinds.lora_without_alpha(
            tuple(loaded.originals(component, f"{module}.weight").shape), Dice(1)
        ).parts
        for component, module in places
    }
    said = {
        "unet.lora_alpha": 8,
        "unet.alpha_pattern": {"attn1.to_k": 2},
        "text_encoder.lora_alpha": 6,
        "text_encoder.use_rslora": True,
    }
    silent = read(written(changes, dotted, peft), loaded)
    speaking = read(
        written(changes, dotted, peft, name="b.safetensors",
                metadata={"lora_adapter_metadata": json.dumps(said)}),
        loaded,
    )  # fmt: skip

    for (component, module), factor in zip(
        places, (8 / kinds.RANK, 2 / kinds.RANK, 6 / kinds.RANK**0.5), strict=True
    ):
        key = component, f"{module}.weight"
        weight = loaded.originals(*key)
        plain, scaled = (lora.changes[key].delta(weight) for lora in (silent, speaking))
        torch.testing.assert_close(scaled, plain * factor)
