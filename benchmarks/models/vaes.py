"""Another VAE, and back to the checkpoint's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from benchmarks.models.ours import Shelf, free, ready
from benchmarks.timing import Row, interleaved

SWAP_SECONDS = 0.05


def run(shelf: Shelf, rounds: int) -> Iterator[Row]:
    """Both have been seen: the first round is not counted."""
    path, _ = shelf.files.checkpoints
    engine = shelf.engine()
    turns = cycle((shelf.files.vae, None))
    seconds = interleaved(
        {"ours": lambda: ready(engine, shelf.recipe(path, vae=next(turns)))}, 4 * rounds + 1
    )
    free(engine)
    yield Row("VAE swap, once seen", seconds["ours"], "limit", SWAP_SECONDS, 1.0)
