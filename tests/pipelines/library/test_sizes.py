"""How large the parts of a checkpoint are is known before any of them is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.errors import ModelFileError
from pipelines.families import families
from pipelines.library.sizes import component_numbers
from tests.pipelines.library.files import f16, header, real, write

FAMILIES = {family.name: family for family in families()}

NUMBERS = {
    ("sd15", "sd1"): {"unet": 859_520_964, "vae": 83_653_863, "text_encoder": 123_060_480},
    ("sd2", "sd2"): {"unet": 865_910_724, "vae": 83_653_863, "text_encoder": 354_032_641},
    ("sdxl", "sdxl"): {
        "unet": 2_567_463_684,
        "vae": 83_653_863,
        "text_encoder": 123_060_480,
        "text_encoder_2": 694_659_841,
    },
}
"""What the models were published with; OpenCLIP counts its temperature."""


@pytest.mark.parametrize(("file", "family"), NUMBERS)
def test_a_single_file_has_the_parameters_its_authors_published(file: str, family: str) -> None:
    numbers = component_numbers(header(real(file)), FAMILIES[family])
    assert numbers == NUMBERS[file, family]


def test_a_folder_counts_the_files_that_are_loaded(tmp_path: Path) -> None:
    write(tmp_path / "unet" / "diffusion_pytorch_model.safetensors", {"a": f16(10)})
    write(tmp_path / "unet" / "diffusion_pytorch_model.fp16.safetensors", {"a": f16(10)})
    write(tmp_path / "vae" / "diffusion_pytorch_model.fp16.safetensors", {"a": f16(5), "b": f16()})
    for name in ("1", "2"):
        write(tmp_path / "text_encoder" / f"{name}.safetensors", {name: f16(7)})
    index = {"weight_map": {"1": "1.safetensors", "2": "2.safetensors"}}
    (tmp_path / "text_encoder" / "model.safetensors.index.json").write_text(json.dumps(index))

    numbers = component_numbers(tmp_path, FAMILIES["sd1"])

    assert numbers == {"unet": 10, "vae": 6, "text_encoder": 14}


@pytest.mark.parametrize("index", ["{}", '{"weight_map": {"a": "../a.safetensors"}}', "["])
def test_an_index_that_makes_no_sense_is_named(tmp_path: Path, index: str) -> None:
    (tmp_path / "unet").mkdir()
    file = tmp_path / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    file.write_text(index)
    with pytest.raises(ModelFileError, match="cannot be read"):
        component_numbers(tmp_path, FAMILIES["sd1"])
