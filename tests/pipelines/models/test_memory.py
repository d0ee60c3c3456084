"""Casts that are exact, blocks of memory that are given back, pages that are let go of."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pipelines.models.memory import MappedPages, Slab, cast_into, one_thread

MB = 2**20


def resident() -> int:
    return psutil.Process(os.getpid()).memory_info().rss


def every_float16() -> torch.Tensor:
    """All 65,536 of them: zeros, subnormals, infinities and NaNs among them."""
    return torch.from_numpy(np.arange(2**16, dtype=np.uint16).view(np.float16).copy())


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (torch.float16, torch.bfloat16),
        (torch.bfloat16, torch.float16),
        (torch.float16, torch.float32),
        (torch.float32, torch.bfloat16),
        (torch.float64, torch.bfloat16),
    ],
)
def test_a_cast_gives_the_very_bits_of_a_plain_one(
    source: torch.dtype, target: torch.dtype
) -> None:
    numbers = every_float16().to(source)
    made = torch.empty(numbers.shape, dtype=target)
    cast_into(made, numbers)
    plain = numbers.to(target)
    finite = ~plain.isnan()
    assert torch.equal(made[finite], plain[finite])
    assert made[~finite].isnan().all()


def test_a_view_is_cast_like_anything_else() -> None:
    numbers = torch.randn(300, 5000).half()
    made = torch.empty(5000, 300, dtype=torch.bfloat16)
    cast_into(made, numbers.T)
    assert torch.equal(made, numbers.T.to(torch.bfloat16))


def test_a_slab_holds_what_was_asked_for_and_goes_back_to_the_system() -> None:
    shapes = [torch.Size([1000, 1000]), torch.Size([7]), torch.Size([]), torch.Size([0, 4])]
    slab = Slab(Slab.size_of(shapes * 32, torch.float32))
    before = resident()
    taken = [slab.take(shape, torch.float32) for shape in shapes * 32]
    for number, tensor in enumerate(taken):
        tensor.fill_(number)
    assert [tensor.shape for tensor in taken[:4]] == shapes
    assert all((tensor == number).all() for number, tensor in enumerate(taken))
    assert all(tensor.data_ptr() % 64 == 0 for tensor in taken if tensor.numel())
    assert resident() > before + 100 * MB
    del slab, taken, tensor
    gc.collect()
    assert resident() < before + 20 * MB


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells of pages")
def test_pages_of_a_file_are_let_go_of_and_come_back(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file({"weight": torch.arange(16 * MB, dtype=torch.float32)}, file)
    with safe_open(file, framework="pt") as opened:
        weight = opened.get_tensor("weight")
    total = weight.sum(dtype=torch.float64)
    touched = resident()
    MappedPages(tmp_path / "another").let_go()
    assert resident() > touched - 8 * MB
    MappedPages(tmp_path).let_go()
    assert resident() < touched - 48 * MB
    assert weight.sum(dtype=torch.float64) == total


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    with pytest.raises(MemoryError), one_thread():
        assert torch.get_num_threads() == 1
        raise MemoryError
    assert torch.get_num_threads() == before
