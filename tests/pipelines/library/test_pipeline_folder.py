"""Diffusers folders are checkpoints too, unless they want to run code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import ModelFileError
from pipelines.families import families, variants
from pipelines.library.entry import Entry
from pipelines.library.library import Library
from pipelines.library.pipeline_folder import read_pipeline
from tests.pipelines.library.files import PRESETS, aged, f16, write

COMPONENTS = ("unet", "vae", "text_encoder", "text_encoder_2")


def _folder(models: Path, variant: str, name: str = "painter") -> Path:
    """A diffusers folder as that variant's configs describe it, with weights of one tensor."""
    folder = models / name
    shutil.copytree(PRESETS / "families" / variant, folder)
    for component in COMPONENTS:
        if (folder / component).is_dir():
            write(folder / component / "model.safetensors", {"weight": f16(4)})
    for file in folder.rglob("*"):
        aged(file)
    return folder


def _edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    aged(file)


def _list(models: Path) -> list[Entry]:
    library = Library([models], families(), variants([PRESETS]))
    library.scan()
    return library.entries()


def test_a_folder_named_as_the_model_folder_is_itself_the_checkpoint(tmp_path: Path) -> None:
    [entry] = _list(_folder(tmp_path, "sd15"))
    assert (entry.name, entry.variant, entry.problem) == ("painter", "sd15", None)


@pytest.mark.parametrize(
    ("variant", "found"),
    [
        ("sd15", "sd15"),
        ("sd15-inpaint", "sd15-inpaint"),
        ("sd2", "sd2"),
        ("sd2-v", "sd2-v"),
        ("sd2-depth", "sd2-depth"),
        ("sdxl", "sdxl"),
        ("sdxl-v", "sdxl-v"),
        ("sdxl-refiner", "sdxl-refiner"),
        ("starter", "starter"),
    ],
)
def test_a_folder_is_one_checkpoint_known_by_its_configs(
    tmp_path: Path, variant: str, found: str
) -> None:
    folder = _folder(tmp_path, variant)
    if variant == "sd2-depth":
        _edit(
            folder / "model_index.json", depth_estimator=["transformers", "DPTForDepthEstimation"]
        )
    [entry] = _list(tmp_path)
    assert entry.problem is None
    assert (entry.name, entry.role, entry.variant) == ("painter", "checkpoint", found)
    assert entry.path == folder
    assert entry.dtype == "F16"
    assert entry.note is None
    assert entry.size_bytes == sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


@pytest.mark.parametrize(
    "changes",
    [
        {"unet": ["my_pipeline", "MyUNet"]},
        {"scheduler": ["scheduling_evil", "Evil"]},
        {"_class_name": ["pipeline", "Evil"]},
        {"_class_name": None},
    ],
)
def test_a_folder_that_names_code_of_its_own_is_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    _edit(_folder(tmp_path, "sd15") / "model_index.json", **changes)
    [entry] = _list(tmp_path)
    assert entry.problem is not None
    assert "code of its own" in entry.problem.message


def test_a_folder_in_which_a_part_is_missing_or_cut_off_says_which(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "sd15")
    write(folder / "vae" / "model.safetensors", {"weight": f16(4)}, missing=2)
    with pytest.raises(ModelFileError, match="incomplete"):
        read_pipeline(folder)
    (folder / "vae" / "model.safetensors").unlink()
    with pytest.raises(ModelFileError, match="has no vae weights"):
        read_pipeline(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", "{" * 100_000])
def test_a_broken_index_is_named(tmp_path: Path, content: str) -> None:
    folder = _folder(tmp_path, "sd15")
    (folder / "model_index.json").write_text(content)
    with pytest.raises(ModelFileError, match=r"model_index\.json cannot be read"):
        read_pipeline(folder)


def test_configs_of_the_wrong_kind_raise_nothing_else(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "sd15")
    for changes in (
        {"cross_attention_dim": None},
        {"block_out_channels": 3},
        {"block_out_channels": []},
        {"in_channels": ["four"]},
        {"block_out_channels": [{}]},
    ):
        shutil.copy(PRESETS / "families/sd15/unet/config.json", folder / "unet/config.json")
        _edit(folder / "unet/config.json", **changes)
        [entry] = _list(tmp_path)
        assert entry.problem is not None
    for encoder in (3, [], [[], {}], {"a": 1}, "text"):
        _edit(folder / "model_index.json", text_encoder=encoder)
        [entry] = _list(tmp_path)
        assert entry.problem is not None


def test_a_folder_of_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "sd15")
    (folder / "unet" / "config.json").unlink()
    [entry] = _list(tmp_path)
    assert entry.problem is not None
    assert "without the UNet" in entry.problem.message
