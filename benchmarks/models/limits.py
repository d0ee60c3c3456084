"""The physical limits: the same bytes read, cast, merged or copied, and nothing around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from benchmarks.models.files import ALPHA, RANK, Layer
from benchmarks.models.ours import synchronize
from pipelines.library.header import read_header
from pipelines.models.loader import LoadedCheckpoint
from pipelines.models.memory import cast_into, one_thread

_PIECE = 2**22
"""Numbers of float16 read at once: they stay in the processor's cache until they are cast."""


class Place:
    """Memory for every tensor of a checkpoint; it is the system's until it is filled.

    Casts go the quickest way known, by one thread: two that wait for each other on a machine that
    is not idle are many times slower.
    """

    def __init__(self, path: Path, dtype: torch.dtype, device: torch.device) -> None:
        shapes = read_header(path).tensors
        self._device = device
        self._targets = {
            name: torch.empty(entry.shape, dtype=dtype, device=device)
            for name, entry in shapes.items()
        }
        self._piece = torch.empty(_PIECE, dtype=torch.float16, pin_memory=device.type == "cuda")

    @property
    def nbytes(self) -> int:
        """Of all of it."""
        return sum(target.nbytes for target in self._targets.values())

    def read(self, path: Path) -> None:
        """Read the bytes of a file as `read(2)` gives them, and cast them into place."""
        buffer = memoryview(self._piece.numpy()).cast("B")
        with path.open("rb", buffering=0) as file, one_thread():
            file.seek(8 + int.from_bytes(file.read(8), "little"))
            for target in self._targets.values():
                for part in target.view(-1).split(_PIECE):
                    _fill(file, buffer[: 2 * len(part)])
                    cast_into(part, self._piece[: len(part)])
        synchronize(self._device)

    def cast(self, path: Path) -> None:
        """Cast what is mapped from the page cache into place."""
        with safe_open(path, "pt") as file, one_thread():
            for name, target in self._targets.items():
                cast_into(target, file.get_tensor(name))
        synchronize(self._device)


def _fill(file, buffer: memoryview) -> None:
    while len(buffer):
        buffer = buffer[file.readinto(buffer) :]


class Bare:
    """The weights that a LoRA changes, in the working dtype on the device, and as they are in the
    mapped file. One thread here as well."""

    def __init__(self, models: LoadedCheckpoint, layers: Sequence[Layer]) -> None:
        self._layers, self._device = layers, models.device
        self._originals = [models.originals(e.component, f"{e.module}.weight") for e in layers]
        self._targets = [
            original.to(models.device, models.dtype, copy=True) for original in self._originals
        ]
        self._kept = [target.clone() for target in self._targets]
        largest = max(original.numel() for original in self._originals)
        self._room = torch.empty(largest, device=models.device)

    def merge(self, path: Path, strength: float) -> None:
        """Weight by weight: the file's in float32, plus the product of the factors, cast into
        place (Hu et al. 2021, section 4.1)."""
        with safe_open(path, "pt") as file, one_thread(), torch.no_grad():
            for layer, original, target in zip(
                self._layers, self._originals, self._targets, strict=True
            ):
                up, down = (
                    file.get_tensor(f"{layer.written}.lora_{part}.weight").to(self._device).float()
                    for part in ("up", "down")
                )
                total = self._room[: original.numel()].view(len(original), -1)
                total.copy_(original.flatten(1))
                total.addmm_(up.flatten(1), down.flatten(1), alpha=strength * ALPHA / RANK)
                target.copy_(total.view(target.shape))
        synchronize(self._device)

    def copy(self) -> None:
        """What they were, kept in the working dtype, copied back."""
        with one_thread():
            for target, kept in zip(self._targets, self._kept, strict=True):
                target.copy_(kept)
        synchronize(self._device)


def to_device(source: Tensor, target: Tensor) -> None:
    """The bus's limit: page-locked bytes to the device."""
    target.copy_(source, non_blocking=True)
    synchronize(target.device)
