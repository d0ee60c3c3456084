"""What it costs to have models ready: loads, swaps, LoRAs, VAEs, whole pictures, and RAM.

Full-size SD 1.5 files of random fp16 weights are given by --files, or made under --folder or in a
temporary folder (2.1 GB each); the page cache is warm for all alike. Beside ours run plain
diffusers, given what it is fastest with, and the physical limit: the same bytes read, cast or
copied with nothing around it. All in turn in this process; only RAM is measured in processes of
its own. On a machine with a GPU the same is measured there, and steps per second besides.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from benchmarks.models import gpu, loads, loras, pictures, ram, vaes
from benchmarks.models.files import Files
from benchmarks.models.ours import Shelf
from benchmarks.timing import Row

SECTIONS = {
    "loads": loads.run,
    "loras": loras.run,
    "vaes": vaes.run,
    "pictures": pictures.run,
    "ram": ram.run,
    "gpu": gpu.run,
}


def run(
    folder: Path | None = None,
    files: Sequence[Path] = (),
    rounds: int = 5,
    sections: Sequence[str] = tuple(SECTIONS),
) -> Iterator[Row | str]:
    """All rows, and a sentence for what is not a ratio or cannot be measured here."""
    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    made = Path(tempfile.mkdtemp()) if folder is None else folder
    try:
        shelf = Shelf(Files.make(made, files))
        yield f"on {shelf.device}, {torch.get_num_threads()} threads, medians of {rounds} rounds"
        for name in sections:
            yield from SECTIONS[name](shelf, rounds)
            gc.collect()
        shelf.catalog.close()
    finally:
        if folder is None:
            shutil.rmtree(made)
