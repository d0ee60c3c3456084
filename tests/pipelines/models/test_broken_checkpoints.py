"""What is not a whole checkpoint says so in one sentence, and nothing of it is loaded."""

from __future__ import annotations

import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipelines.errors import ModelFileError
from tests import tiny

UNET = "model.diffusion_model."
VAE = "first_stage_model."
TEXT = "cond_stage_model."


def complaint(shelf, name, path, **options) -> str:
    """What loading `path` as a tiny model is refused with."""
    with pytest.raises(ModelFileError) as raised:
        shelf.load(name, path, **options)
    error = raised.value
    assert error.message.endswith(".") and error.cure.endswith(".")
    assert str(path.parent) not in str(error)
    return error.message


@pytest.fixture
def without(shelf, tmp_path):
    """Writes a tiny model without the tensors that a test picks by name."""

    def write(pick, name="sd1"):
        tensors = load_file(shelf.file(name))
        kept = {key: tensor for key, tensor in tensors.items() if not pick(key)}
        assert len(kept) < len(tensors)
        save_file(kept, tmp_path / "part.safetensors")
        return tmp_path / "part.safetensors"

    return write


def test_a_file_with_only_a_unet_names_what_is_missing(shelf, without):
    path = without(lambda key: not key.startswith(UNET))
    assert complaint(shelf, "sd1", path) == ("part.safetensors has no VAE and no text encoder.")


def test_a_file_without_a_vae(shelf, without):
    path = without(lambda key: key.startswith(VAE))
    assert complaint(shelf, "sd1", path) == "part.safetensors has no VAE."


def test_a_file_without_a_text_encoder(shelf, without):
    path = without(lambda key: key.startswith(TEXT))
    assert complaint(shelf, "sd1", path) == "part.safetensors has no text encoder."


def test_a_file_without_the_second_text_encoder(shelf, without):
    path = without(lambda key: key.startswith("conditioner.embedders.1."), "sdxl")
    assert complaint(shelf, "sdxl", path) == "part.safetensors has no OpenCLIP text encoder."


def test_a_file_that_is_only_a_vae(shelf, without):
    path = without(lambda key: not key.startswith(VAE))
    assert complaint(shelf, "sd1", path) == "part.safetensors has no UNet and no text encoder."


def test_float8_weights_with_scales_of_their_own(shelf, tmp_path):
    tensors = load_file(shelf.file("sd1"))
    tensors[f"{UNET}out.2.scale_weight"] = torch.ones(())
    save_file(tensors, tmp_path / "scaled.safetensors")
    assert "float8 weights with scales" in complaint(shelf, "sd1", tmp_path / "scaled.safetensors")


@pytest.mark.parametrize(
    ("prefix", "what"),
    [
        (UNET + "middle_block.2.", "UNet lacks 10 of 208 weights, first mid_block.resnets.1."),
        (VAE + "encoder.mid.attn_1.", "VAE lacks 10 of 176 weights, first encoder.mid_block."),
        (TEXT + "transformer.text_model.encoder.layers.1.", "text encoder lacks 16 of 52 weights"),
    ],
)
def test_a_missing_layer_is_counted_and_named(shelf, without, prefix, what):
    path = without(lambda key: key.startswith(prefix))
    assert what in complaint(shelf, "sd1", path)


def test_an_sdxl_file_without_its_size_embedding(shelf, without):
    path = without(lambda key: "label_emb.0.0.weight" in key, "sdxl")
    assert "tensors of its unet are missing" in complaint(shelf, "sdxl", path)


def test_a_file_of_another_shape_says_which_tensor_differs(shelf):
    message = complaint(shelf, "sd1", shelf.file("sd1-inpaint"))
    assert "no Tiny sd1 model: in its UNet, conv_in.weight is 32x9x3x3 and not 32x4x3x3" in message


def test_quantised_weights_are_refused(shelf, tmp_path):
    tensors = load_file(shelf.file("sd1"))
    key = UNET + "out.2.weight"
    tensors[key] = tensors[key].to(torch.int8)
    save_file(tensors, tmp_path / "int8.safetensors")
    message = complaint(shelf, "sd1", tmp_path / "int8.safetensors")
    assert message == "int8.safetensors stores the weights of its UNet as torch.int8, quantised."


def test_a_file_that_is_gone(shelf, tmp_path):
    assert complaint(shelf, "sd1", tmp_path / "gone.safetensors") == "gone.safetensors is gone."


@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_a_truncated_file(shelf, tmp_path, kept):
    path = shutil.copy(shelf.file("sd1"), tmp_path / "short.safetensors")
    os.truncate(path, int(path.stat().st_size * kept))
    assert "short.safetensors is incomplete" in complaint(shelf, "sd1", path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"PK\x03\x04" + b"x" * 100, "is a pickled file"),
        (b"\x80\x02}q\x00." + b"x" * 100, "is a pickled file"),
        (bytes(4096), "empty space"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{not json at all", "damaged"),
    ],
)
def test_a_file_that_is_no_safetensors_file(shelf, tmp_path, content, what):
    path = tmp_path / "odd.safetensors"
    path.write_bytes(content)
    assert what in complaint(shelf, "sd1", path)


def test_a_file_that_changes_under_the_load_is_not_trusted(shelf, tmp_path):
    path = shutil.copy(shelf.file("sd1"), tmp_path / "busy.safetensors")

    def write(_done, _total):
        os.utime(path, ns=(0, 0))

    message = complaint(shelf, "sd1", path, progress=write)
    assert message == "busy.safetensors changed while it was being loaded."


@pytest.fixture
def folder(tmp_path):
    """A diffusers folder of the tiny SD1 model, to be spoilt."""
    tiny.pipeline("sd1").save_pretrained(tmp_path / "model", max_shard_size="1MB")
    return tmp_path / "model"


def test_a_folder_without_weights_for_a_part(shelf, folder):
    shutil.rmtree(folder / "vae")
    assert complaint(shelf, "sd1", folder) == "model has no VAE as .safetensors."


def test_a_folder_without_a_config(shelf, folder):
    (folder / "unet" / "config.json").unlink()
    assert complaint(shelf, "sd1", folder) == "model has no unet/config.json."


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[]",
        "{" * 100_000,
        '{"block_out_channels": "wide"}',
        '{"sample_size": {}, "in_channels": []}',
    ],
)
def test_a_folder_with_a_senseless_config(shelf, folder, config):
    (folder / "unet" / "config.json").write_text(config)
    assert complaint(shelf, "sd1", folder) == "The unet config of model cannot be used."


def test_a_folder_missing_a_shard(shelf, folder):
    shard = next((folder / "unet").glob("*-00002-of-*.safetensors"))
    shard.unlink()
    assert complaint(shelf, "sd1", folder) == f"{shard.name} is gone."


@pytest.mark.parametrize("shard", ["../vae/model.safetensors", "/etc/passwd", "..", 7, ""])
def test_a_folder_whose_index_points_elsewhere(shelf, folder, shard):
    index = folder / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"conv_in.weight": shard}}))
    assert complaint(shelf, "sd1", folder) == f"{index.name} cannot be read."


def test_code_that_a_folder_brings_along_is_never_run(shelf, folder, equal):
    marker = folder / "ran"
    code = f"open({str(marker)!r}, 'w')\n"
    for part in ("unet", "text_encoder"):
        (folder / part / "custom.py").write_text(code)
        file = folder / part / "config.json"
        config = json.loads(file.read_text())
        config |= {"_class_name": ["custom", "Custom"], "auto_map": {"AutoModel": "custom.Custom"}}
        file.write_text(json.dumps(config))
    equal(shelf.load("sd1", folder), "sd1")
    assert not marker.exists()
