"""From a pickled checkpoint to safetensors, without running what is in it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file

from pipelines.errors import ModelFileError, StorageError
from pipelines.library.text import file_name
from pipelines.models.pickled import read_pickled


def convert(pickled: Path, out: Path) -> None:
    """Write the tensors of a `.ckpt` to a new safetensors file, under a temporary name first.

    Raises ModelFileError for what is no checkpoint, StorageError when `out` cannot be written.
    """
    if out.exists():
        raise StorageError(f"{file_name(out)} is there already.", "Choose another name with --out.")
    tensors = read_pickled(pickled)
    if not tensors:
        raise ModelFileError(
            f"{file_name(pickled)} holds no weights.", "Choose a checkpoint's .ckpt file."
        )
    unfinished = out.with_name(f"{out.name}.part")
    try:
        # Tensors may share memory in a pickle; in safetensors each has its own.
        save_file(
            {name: tensor.contiguous().clone() for name, tensor in tensors.items()}, unfinished
        )
        os.replace(unfinished, out)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise StorageError(
            f"{file_name(out)} cannot be written.",
            "Free some space or choose another place with --out.",
        ) from error
