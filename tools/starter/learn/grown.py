"""Arrays on disk that grow batch by batch, and go on growing after an interruption."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

_SAVE_EVERY = 1024


def grown(
    path: Path,
    shape: tuple[int, ...],
    dtype: type[np.generic],
    rows: Callable[[int], Iterator[np.ndarray]],
) -> np.ndarray:
    """The memory-mapped array at `path`, filled first if it is not there.

    `rows(start)` gives the rows from `start` on, in batches of any length.
    """
    if not path.exists():
        part, done = path.with_suffix(".part.npy"), path.with_suffix(".done")
        if not done.exists():
            np.lib.format.open_memmap(part, "w+", dtype, shape).flush()
            done.write_text("0")
        array, at = np.load(part, mmap_mode="r+"), int(done.read_text())
        for batch in rows(at):
            array[at : at + len(batch)] = batch
            at += len(batch)
            if at % _SAVE_EVERY < len(batch):
                array.flush()
                done.write_text(str(at))
                print(f"{path.stem}: {at} of {shape[0]}", flush=True)
        array.flush()
        part.rename(path)
        done.unlink()
    array = np.load(path, mmap_mode="r")
    if array.shape != shape:
        raise SystemExit(f"{path} holds {len(array)} rows, not {shape[0]}: delete it.")
    return array
