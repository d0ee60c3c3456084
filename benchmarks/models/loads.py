"""Checkpoints: the first load in a warm process, the swap to a parked one, and a new one into the
memory of the last."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from benchmarks.models import rival
from benchmarks.models.limits import Place
from benchmarks.models.ours import Shelf, free, give_back, ready
from benchmarks.timing import Row, interleaved

FIRST, FIRST_OF_DIFFUSERS = 3.0, 0.15
SWAP_SECONDS = 0.05
NEW = 2.0
ROOM_FOR_ONE = 1.3
"""Of a checkpoint's bytes: the budget that one fits in, and two do not."""


def run(shelf: Shelf, rounds: int) -> Iterator[Row]:
    """Up to the moment the text is encoded."""
    yield from _first_load(shelf, rounds)
    yield from _new_into_old(shelf, rounds)
    yield _swap_back(shelf, rounds)


def _first_load(shelf: Shelf, rounds: int) -> Iterator[Row]:
    """All take their memory from the system, as a process does that has loaded nothing yet; how
    long it is in giving it is shown by the limit with memory of its own."""
    engine, [path, _] = shelf.engine(), shelf.files.checkpoints
    place = Place(path, engine.dtype, engine.device)
    seconds = interleaved(
        {
            "ours": lambda: ready(engine, shelf.recipe(path)),
            "place": lambda: Place(path, engine.dtype, engine.device).read(path),
            "old place": lambda: place.read(path),
            "theirs": lambda: rival.load(path, shelf.files.config, engine.dtype, engine.device),
        },
        rounds,
        before=lambda: (free(engine), give_back()),
    )
    what = f"first load, {path.stat().st_size / 1e9:.2f} GB to {_name(engine.dtype)}"
    yield Row(what, seconds["ours"], "bytes read, cast into new memory", seconds["place"], FIRST)
    yield Row(what, seconds["ours"], "bytes read, cast into old memory", seconds["old place"])
    theirs = seconds["theirs"]
    yield Row(what, seconds["ours"], "diffusers from_single_file", theirs, FIRST_OF_DIFFUSERS)
    free(engine)


def _new_into_old(shelf: Shelf, rounds: int) -> Iterator[Row]:
    """The budget has room for one checkpoint: each takes over the memory of the one before."""
    paths = shelf.files.checkpoints
    engine = shelf.engine()
    place = Place(paths[0], engine.dtype, engine.device)
    engine.manager.ram_budget = int(place.nbytes * ROOM_FOR_ONE)
    mine, limit = cycle(paths), cycle(paths)
    seconds = interleaved(
        {
            "ours": lambda: ready(engine, shelf.recipe(next(mine))),
            "cast": lambda: place.cast(next(limit)),
        },
        2 * rounds,
    )
    what = "a new checkpoint, into the memory of the last"
    yield Row(what, seconds["ours"], "cast from the page cache", seconds["cast"], NEW)
    free(engine)


def _swap_back(shelf: Shelf, rounds: int) -> Row:
    engine = shelf.engine()
    for path in shelf.files.checkpoints:
        ready(engine, shelf.recipe(path))
    turns = cycle(shelf.files.checkpoints)
    seconds = interleaved({"ours": lambda: ready(engine, shelf.recipe(next(turns)))}, 4 * rounds)
    free(engine)
    return Row("swap A-B-A to a parked checkpoint", seconds["ours"], "limit", SWAP_SECONDS, 1.0)


def _name(dtype: object) -> str:
    return str(dtype).removeprefix("torch.")
