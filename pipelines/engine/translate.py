"""Foreign exceptions become StudioErrors here, and only here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pipelines.errors import Cancelled, DeviceFailed, OutOfMemory, StudioError, UnexpectedError

log = logging.getLogger(__name__)

_NO_MEMORY = (
    "can't allocate memory",  # on the CPU
    "not enough memory",  # on the CPU under Windows
    "MPS backend out of memory",
    "Invalid buffer size",  # MPS, for a tensor larger than it can ever hold
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDA error: out of memory",
)
"""What torch says in a plain RuntimeError."""


@contextmanager
def translated() -> Iterator[None]:
    """Let StudioError and Cancelled pass; turn anything else into one of them."""
    try:
        yield
    except (StudioError, Cancelled):
        raise
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise out_of_memory() from error
    except Exception as error:
        if any(words in str(error) for words in _NO_MEMORY):
            raise out_of_memory() from error
        if isinstance(error, torch.AcceleratorError):
            log.exception("The device failed")
            raise DeviceFailed(
                "The graphics device reported an error and has to be started afresh.",
                "That is being done. Then run it again; if it repeats, restart the machine.",
            ) from error
        log.exception("The engine failed in a way it does not know")
        raise UnexpectedError(
            f"Gesso made a mistake ({type(error).__name__}).",
            "Try again; if it repeats, report it with the engine's log.",
        ) from error


def out_of_memory() -> OutOfMemory:
    """The one sentence about memory."""
    return OutOfMemory(
        "There is not enough memory for this picture.",
        "Choose a smaller size or a smaller checkpoint, or close other programs.",
    )
