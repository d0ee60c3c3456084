"""Tiny checkpoints on disk, and a short way to load one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from pipelines.families import families, variants
from pipelines.models.loader import LoadedCheckpoint, load_checkpoint
from tests import tiny


class Shelf(NamedTuple):
    """A folder of tiny checkpoints with their presets."""

    models: Path
    presets: Path

    def file(self, name: str) -> Path:
        return self.models / "checkpoints" / f"tiny-{name}.safetensors"

    def configs(self, name: str) -> Path:
        return self.presets / "families" / f"tiny-{name}"

    def load(
        self,
        name: str,
        path: Path | None = None,
        dtype: torch.dtype = torch.float32,
        **options: object,
    ) -> LoadedCheckpoint:
        """Load the tiny model of that name, or `path` as if it were one."""
        variant = next(v for v in variants([self.presets]) if v.name == f"tiny-{name}")
        family = next(f for f in families() if f.name == variant.family)
        path = path or self.file(name)
        cpu = torch.device("cpu")
        return load_checkpoint(path, family, variant, dtype=dtype, device=cpu, **options)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """All tiny models, in float32. Shared by all tests: read only."""
    return Shelf(*tiny.install(tmp_path_factory.mktemp("shelf"), tiny.ALL_NAMES))


@functools.cache
def wanted(name: str) -> dict[str, dict[str, torch.Tensor]]:
    """The weights of a tiny model by component. Shared by all tests: read only."""
    return {part: module.state_dict() for part, module in tiny.components(name).items()}


@pytest.fixture(scope="session")
def equal() -> Callable[[LoadedCheckpoint, str], None]:
    """Asserts that a loaded checkpoint has the weights of a tiny model, bit for bit."""

    def check(loaded: LoadedCheckpoint, name: str) -> None:
        assert loaded.modules().keys() == wanted(name).keys()
        for component, module in loaded.modules().items():
            weights = wanted(name)[component]
            assert module.state_dict().keys() == weights.keys()
            for key, weight in module.state_dict().items():
                assert torch.equal(weight, weights[key].to(loaded.dtype)), (component, key)

    return check
