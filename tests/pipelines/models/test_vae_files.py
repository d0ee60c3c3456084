"""VAEs of their own, in every form in which artists have them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipelines.errors import ModelFileError
from pipelines.families import variants
from pipelines.models.loader import LoadedVae, load_vae
from tests import tiny

PREFIX = "first_stage_model."


def own(prefix: str = "") -> dict[str, torch.Tensor]:
    """The VAE of a tiny checkpoint, in the original layout."""
    return {
        prefix + key.removeprefix(PREFIX): tensor.contiguous().clone()
        for key, tensor in tiny.state_dict("sd1").items()
        if key.startswith(PREFIX)
    }


def diffusers_layout() -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in tiny.components("sd1")["vae"].state_dict().items()}


def write(tensors: dict[str, torch.Tensor], file: Path) -> Path:
    if file.suffix == ".safetensors":
        save_file(tensors, file)
    else:
        torch.save({"state_dict": tensors, "epoch": 3}, file)
    return file


def load(file: Path, shelf, dtype: torch.dtype = torch.float32) -> LoadedVae:
    variant = next(v for v in variants([shelf.presets]) if v.name == "tiny-sd1")
    return load_vae(file, variant, dtype=dtype, device=torch.device("cpu"))


def is_the_same(loaded: LoadedVae) -> bool:
    expected = tiny.components("sd1")["vae"].state_dict()
    found = loaded.vae.state_dict()
    return found.keys() == expected.keys() and all(
        torch.equal(found[key], value) for key, value in expected.items()
    )


@pytest.mark.parametrize("file", ["vae.safetensors", "vae.vae.pt", "vae.ckpt"])
@pytest.mark.parametrize("layout", ["bare", "prefixed", "with its losses", "diffusers", "whole"])
def test_a_vae_is_read_in_every_layout(tmp_path: Path, shelf, file: str, layout: str) -> None:
    tensors = {
        "bare": own,
        "prefixed": lambda: own(PREFIX),
        "with its losses": lambda: {**own(), "loss.discriminator.main.0.weight": torch.zeros(3)},
        "diffusers": diffusers_layout,
        "whole": lambda: {k: v.contiguous() for k, v in tiny.state_dict("sd1").items()},
    }[layout]()
    assert is_the_same(load(write(tensors, tmp_path / file), shelf))


def test_a_vae_of_the_working_dtype_stays_mapped(tmp_path: Path, shelf) -> None:
    loaded = load(write(own(), tmp_path / "vae.safetensors"), shelf)
    weight = loaded.vae.decoder.conv_in.weight
    assert weight.data_ptr() == loaded.mapped["decoder.conv_in.weight"].data_ptr()


def test_its_weights_are_cast_where_they_must_be(tmp_path: Path, shelf) -> None:
    loaded = load(write(own(), tmp_path / "vae.safetensors"), shelf, torch.bfloat16)
    assert {weight.dtype for weight in loaded.vae.parameters()} == {torch.bfloat16}


def test_a_file_without_a_vae_is_refused(tmp_path: Path, shelf) -> None:
    file = write({"lora_unet_x.alpha": torch.zeros(1)}, tmp_path / "vae.safetensors")
    with pytest.raises(ModelFileError, match="holds no VAE"):
        load(file, shelf)


def test_a_vae_that_lacks_weights_is_refused(tmp_path: Path, shelf) -> None:
    tensors = own()
    del tensors["decoder.conv_in.weight"]
    with pytest.raises(ModelFileError):
        load(write(tensors, tmp_path / "vae.safetensors"), shelf)


def test_a_vae_of_another_shape_is_refused(tmp_path: Path, shelf) -> None:
    tensors = own() | {"decoder.conv_in.weight": torch.zeros(32, 16, 3, 3)}
    with pytest.raises(ModelFileError, match="32x16x3x3 and not 32x4x3x3"):
        load(write(tensors, tmp_path / "vae.safetensors"), shelf)
