"""What a first load costs beside reading the bytes, and beside plain diffusers.

Full-size SD 1.5 files of random fp16 weights are made for it (2.1 GB each), under the folder
given by --folder or a temporary one, and the page cache is warm for all alike. diffusers is given
what it is fastest with: accelerate installed, its configs local, the dtype of the file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from diffusers.utils import logging as diffusers_logging

from benchmarks.full_size import config_with_tokenizer, make_full_size
from benchmarks.timing import Row, interleaved
from pipelines import Catalog
from pipelines.models.loader import load_checkpoint

_BUFFER = 16 * 2**20


def run(folder: Path | None = None, rounds: int = 5) -> Iterator[Row]:
    """Load one file three ways, in turn; a second file proves it is not one lucky mapping."""
    made = Path(tempfile.mkdtemp()) if folder is None else folder
    try:
        for name in ("a", "b"):
            yield from _one_file(make_full_size("sd15", made / f"{name}.safetensors"), rounds)
    finally:
        if folder is None:
            shutil.rmtree(made)


def _one_file(path: Path, rounds: int) -> Iterator[Row]:
    catalog = Catalog.open([path.parent])
    chosen = catalog.checkpoint(path.stem)
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    config = config_with_tokenizer(chosen.variant.folder, path.parent / "config")

    def ours() -> None:
        load_checkpoint(
            chosen.path,
            chosen.family,
            chosen.variant,
            dtype=torch.float16,
            device=torch.device("cpu"),
        )

    def theirs() -> None:
        StableDiffusionPipeline.from_single_file(
            str(path),
            config=str(config),
            torch_dtype=torch.float16,
            local_files_only=True,
        )

    seconds = interleaved(
        {"ours": ours, "theirs": theirs, "read": lambda: _read(path)},
        rounds,
    )
    what = f"first load, {path.stat().st_size / 1e9:.2f} GB, float16 kept"
    yield Row(what, seconds["ours"], "diffusers from_single_file", seconds["theirs"], wanted=0.4)
    yield Row(what, seconds["ours"], "reading every byte", seconds["read"])


def _read(path: Path) -> None:
    buffer = bytearray(_BUFFER)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
