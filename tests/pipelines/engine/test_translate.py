"""What torch raises, in the artist's words."""

from __future__ import annotations

import pytest
import torch

from pipelines.engine.translate import translated
from pipelines.errors import Cancelled, DeviceFailed, OutOfMemory, UnexpectedError, WrongModel


def test_a_tensor_larger_than_the_memory_is_told_as_such() -> None:
    with pytest.raises(OutOfMemory), translated():
        torch.empty(2**55)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 18.02 GB, other: 1.2 GB)."),
        RuntimeError("Invalid buffer size: 24.00 GB"),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_every_device_says_in_its_own_way_that_memory_ran_out(error: Exception) -> None:
    with pytest.raises(OutOfMemory, match="smaller size"), translated():
        raise error


def test_an_error_that_leaves_the_device_useless_is_told_apart() -> None:
    with pytest.raises(DeviceFailed, match="started afresh"), translated():
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


def test_what_is_not_foreign_passes_and_all_else_is_our_mistake() -> None:
    for known in (Cancelled(), WrongModel("It is a LoRA.", "Choose a checkpoint.")):
        with pytest.raises(type(known)) as caught, translated():
            raise known
        assert caught.value is known
    with pytest.raises(UnexpectedError, match="KeyError"), translated():
        raise KeyError("nobody thought of this")
