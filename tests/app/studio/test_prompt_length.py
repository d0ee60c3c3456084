"""How long a prompt is with the embeddings in it, told by their headers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from app.studio.prompt_length import prompt_length
from pipelines.catalog import PRESETS, Catalog


@pytest.fixture(scope="module")
def catalog(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Two checkpoints, and embeddings in every form: two of them have one name."""
    models = tmp_path_factory.mktemp("models")
    for_sd1, for_sdxl = models / "embeddings" / "sd1", models / "embeddings" / "sdxl"
    for_sd1.mkdir(parents=True)
    for_sdxl.mkdir()
    two = {"clip_l": torch.ones(2, 32), "clip_g": torch.ones(2, 48)}
    torch.save({"string_to_param": {"*": torch.ones(8, 32)}, "step": 9}, for_sd1 / "Zorple.pt")
    torch.save({"<house>": torch.ones(32)}, for_sd1 / "house-style.bin")
    save_file({"emb_params": torch.ones(100, 32)}, for_sd1 / "long.safetensors")
    save_file(two, for_sdxl / "zorple.safetensors")
    for file in models.rglob("*.*"):
        os.utime(file, (time.time() - 60, time.time() - 60))
    catalog = Catalog.open([models, tiny_home / "models"], (PRESETS, tiny_home / "presets"))
    yield catalog
    catalog.close()


@pytest.mark.parametrize(
    ("prompt", "checkpoint", "expected"),
    [
        ("a cat", "tiny-sd1", [2]),
        ("a ZORPLE cat", "tiny-sd1", [10]),
        ("a ZORPLE cat", "tiny-sdxl", [4]),
        ("a (house-style:1.2)", "tiny-sd1", [2]),
        ("a zorple <lora:zorple:1>", "tiny-sd1", [9]),
        ("cat " * 70 + "zorple", "tiny-sd1", [70, 8]),
        ("long", "tiny-sd1", [1]),  # more vectors than can be read: an ordinary word
    ],
)
def test_embeddings_that_go_with_the_checkpoint_count_their_vectors(
    catalog: Catalog, prompt: str, checkpoint: str, expected: list[int]
) -> None:
    assert prompt_length(prompt, checkpoint, catalog) == expected


@pytest.mark.parametrize("checkpoint", [None, "", "gone"])
def test_with_no_checkpoint_all_embeddings_count(catalog: Catalog, checkpoint: str | None) -> None:
    assert prompt_length("house-style", checkpoint, catalog) == [1]
    assert prompt_length("zorple", checkpoint, catalog)[0] in (2, 8)


def test_an_embedding_that_is_gone_meanwhile_is_an_ordinary_word(
    tiny_home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "embeddings" / "zorple.pt"
    file.parent.mkdir()
    torch.save({"<zorple>": torch.ones(5, 32)}, file)
    os.utime(file, (time.time() - 60, time.time() - 60))
    catalog = Catalog.open([tmp_path, tiny_home / "models"], (PRESETS, tiny_home / "presets"))
    assert prompt_length("zorple", "tiny-sd1", catalog) == [5]
    file.unlink()
    assert prompt_length("zorple", "tiny-sd1", catalog) == [2]
    catalog.close()
