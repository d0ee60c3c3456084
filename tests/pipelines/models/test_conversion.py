"""A pickled checkpoint becomes safetensors on request; nothing in it is run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from app.cli import main
from pipelines.errors import ModelFileError, StorageError
from pipelines.models.conversion import convert


class Attack:
    """Unpickled carelessly, it leaves a file behind."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.marker}",)


@pytest.fixture
def ckpt(tmp_path: Path) -> Path:
    shared = torch.arange(6, dtype=torch.float16)
    content = {
        "state_dict": {"a": shared[:4].reshape(2, 2).T, "b": shared[2:]},
        "callback": Attack(tmp_path / "attacked"),
    }
    torch.save(content, tmp_path / "old.ckpt")
    return tmp_path / "old.ckpt"


def test_the_weights_come_through_and_nothing_is_run(ckpt: Path, tmp_path: Path) -> None:
    convert(ckpt, tmp_path / "new.safetensors")
    tensors = load_file(tmp_path / "new.safetensors")
    assert tensors["a"].tolist() == [[0, 2], [1, 3]] and tensors["b"].tolist() == [2, 3, 4, 5]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.safetensors", "old.ckpt"]


def test_the_command_writes_beside_the_file_and_never_over_another(
    ckpt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(ckpt)]) == 0
    assert ckpt.with_suffix(".safetensors").is_file()
    assert main(["convert", str(ckpt)]) == 2
    assert "is there already" in capsys.readouterr().err


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.ckpt").write_text("<!DOCTYPE html>")
    torch.save({"epoch": 3}, tmp_path / "empty.ckpt")
    for name in ("page.ckpt", "empty.ckpt", "gone.ckpt"):
        with pytest.raises(ModelFileError):
            convert(tmp_path / name, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_a_folder_that_cannot_be_written_is_told(ckpt: Path) -> None:
    with pytest.raises(StorageError):
        convert(ckpt, Path("/proc/out.safetensors"))
