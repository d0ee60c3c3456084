"""From a LoRA's file to its changes."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import ModelFileError
from pipelines.library.kinds import Family, Variant
from pipelines.library.text import file_name
from pipelines.models.lora.change import Lora


def read_lora(path: Path, family: Family, variant: Variant) -> Lora:
    """Read a LoRA made for this family and variant. Its tensors stay in the mapped file.

    Raises ModelFileError for a damaged file or one of a kind that is not supported, WrongModel
    for one that was made for another architecture.
    """
    raise ModelFileError(f"{file_name(path)} cannot be read yet.", "Leave it out.")
