"""Tiny checkpoints to change, and LoRAs as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from safetensors.torch import save_file
from torch import Tensor, nn

from pipelines.models.loader import LoadedCheckpoint
from pipelines.models.lora import Lora, read_lora
from tests.pipelines.models.lora.spelling import Spelling, as_it_is, kohya

Parts = Mapping[str, Tensor]
Read = Callable[..., Lora]


@pytest.fixture(scope="module")
def checkpoint(shelf) -> Callable[[str], LoadedCheckpoint]:
    """A tiny checkpoint by name, loaded once. Whoever changes it takes his change out again."""
    loaded: dict[str, LoadedCheckpoint] = {}

    def get(name: str) -> LoadedCheckpoint:
        if name not in loaded:
            loaded[name] = shelf.load(name)
        return loaded[name]

    return get


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes a LoRA: what it has for each (component, module), spelt as a trainer would."""

    def write(
        changes: Mapping[tuple[str, str], Parts],
        spelling: Spelling = kohya,
        ending: Callable[[str], str] = as_it_is,
        *,
        encoders: int = 1,
        metadata: dict[str, str] | None = None,
        name: str = "style.safetensors",
    ) -> Path:
        tensors = {
            ending(f"{spelling(component, module, encoders)}.{end}"): tensor.contiguous().clone()
            for (component, module), parts in changes.items()
            for end, tensor in parts.items()
        }
        save_file(tensors, tmp_path / name, metadata=metadata)
        return tmp_path / name

    return write


@pytest.fixture
def read() -> Read:
    """Reads a file as a LoRA for a loaded checkpoint."""

    def read(path: Path, loaded: LoadedCheckpoint) -> Lora:
        return read_lora(path, loaded.family, loaded.variant)

    return read


def layers(loaded: LoadedCheckpoint, *kinds: type[nn.Module]) -> dict[tuple[str, str], nn.Module]:
    """All modules of these kinds in the UNet and the text encoders."""
    return {
        (component, name): part
        for component, module in loaded.modules().items()
        if component != "vae"
        for name, part in module.named_modules()
        if isinstance(part, kinds)
    }
