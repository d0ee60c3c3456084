"""What a model file says about itself before its weights are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Name of the element type as safetensors writes it ("F16", "BF16", ...) and the shape."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """The tensors of a file by name, its free-text metadata, and the bytes its weights take."""

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str] = field(default_factory=dict)
    data_bytes: int = 0

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Shape of a tensor, or None when the file has no such tensor."""
        info = self.tensors.get(name)
        return info.shape if info else None
