"""Memory for weights: how it is taken, filled and given back."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch
from torch import Tensor

from pipelines.models.placement import Machine

_ALIGNMENT = 64
_PIECE = 2**19
"""Numbers cast at once: their float32 copy, 2 MiB, stays in the processor's cache."""

_HALVES = {torch.float16, torch.bfloat16}


class Slab:
    """One block of memory for the weights of a module.

    It comes from the system and goes back to it when the last tensor in it is gone, whatever the
    allocator keeps: so what a dropped model took is free at once, and no gaps are left.
    """

    def __init__(self, size: int) -> None:
        private = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}
        block = mmap.mmap(-1, max(size, 1), **private)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):  # A kernel without them.
                block.madvise(mmap.MADV_HUGEPAGE)
        self._bytes = torch.frombuffer(block, dtype=torch.uint8)
        self._used = 0

    @staticmethod
    def size_of(shapes: Iterable[torch.Size], dtype: torch.dtype) -> int:
        """Bytes that tensors of these shapes take in a slab."""
        return sum(_aligned(shape.numel() * dtype.itemsize) for shape in shapes)

    def take(self, shape: torch.Size, dtype: torch.dtype) -> Tensor:
        """The next tensor in it, not filled."""
        size = shape.numel() * dtype.itemsize
        start, self._used = self._used, self._used + _aligned(size)
        return self._bytes[start : start + size].view(dtype).view(shape)


class PinnedSlab:
    """The same in page-locked memory, from where a GPU fetches at the bus's full speed.

    It comes in blocks of a size that torch's allocator of such memory does not round up.
    """

    _BLOCK = 2**26

    def __init__(self) -> None:
        self._block = torch.empty(0, dtype=torch.uint8)

    def take(self, shape: torch.Size, dtype: torch.dtype) -> Tensor:
        """The next tensor in it, not filled."""
        size = shape.numel() * dtype.itemsize
        if size > self._BLOCK:
            return torch.empty(shape, dtype=dtype, pin_memory=True)
        if size > len(self._block):
            self._block = torch.empty(self._BLOCK, dtype=torch.uint8, pin_memory=True)
        taken, self._block = self._block[:size], self._block[_aligned(size) :]
        return taken.view(dtype).view(shape)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def cast_into(target: Tensor, source: Tensor) -> None:
    """Copy `source` into `target`, of the same shape, in the target's dtype.

    Between float16 and bfloat16 by way of float32, which holds both exactly: the same bits as
    the direct way, in a third of the time, because only these casts have vector instructions.
    """
    on_cpu = target.device.type == source.device.type == "cpu"
    if not (on_cpu and {target.dtype, source.dtype} == _HALVES and target.is_contiguous()):
        target.copy_(source)
        return
    flat, numbers = target.view(-1), source.reshape(-1)
    between = torch.empty(min(_PIECE, len(flat)), dtype=torch.float32)
    for piece, part in zip(flat.split(_PIECE), numbers.split(_PIECE), strict=True):
        wide = between[: len(part)]
        wide.copy_(part)
        piece.copy_(wide)


@contextmanager
def one_thread() -> Iterator[None]:
    """Copy with one thread: it fills the memory bus nearly alone, and thousands of small copies
    would each wait for a second one that other programs keep from its core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class MappedPages:
    """The pages of a mapped file, or of the files in a folder, that this process has touched.

    Elsewhere than on Linux nothing is known of them, and nothing is done.
    """

    def __init__(self, path: Path) -> None:
        whole = str(path.resolve())
        inside = os.path.join(whole, "")
        self._ranges = [
            (start, size) for name, start, size in _mappings() if f"{name}/".startswith(inside)
        ]

    def let_go(self) -> None:
        """Take them out of this process. They stay in the system's cache, from where they come
        back when they are touched; weights that were cast need them no more, and they would
        count as this process's memory."""
        if self._ranges:
            madvise = ctypes.CDLL(None).madvise
            for start, size in self._ranges:
                madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), mmap.MADV_DONTNEED)


def _mappings() -> Iterator[tuple[str, int, int]]:
    """Private mappings of files: name, address, size."""
    try:
        lines = Path("/proc/self/maps").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        span, permissions, *_, name = line.split(maxsplit=5)  # offset, device, inode between
        if permissions.endswith("p") and name.startswith("/"):
            start, end = (int(part, 16) for part in span.split("-"))
            yield name, start, end - start


def this_machine(device: torch.device) -> Machine:
    """What this machine has: its RAM, and the memory of its device if that has some of its own."""
    own = torch.cuda.mem_get_info(device)[1] if device.type == "cuda" else 0
    return Machine(psutil.virtual_memory().total, own)
