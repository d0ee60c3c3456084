"""LoRAs: on, re-weighted, exchanged, off; and what a step costs with one."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import cycle

from benchmarks.models import rival
from benchmarks.models.files import lora_layers
from benchmarks.models.limits import Bare
from benchmarks.models.ours import Shelf, free, ready, step_seconds
from benchmarks.timing import Row, interleaved

MERGE, OF_LOADING, OFF = 2.0, 0.7, 2.0
STEP = 1.02


def run(shelf: Shelf, rounds: int) -> Iterator[Row]:
    """Patches up to the moment the text is encoded, then steps."""
    yield from _patches(shelf, rounds)
    yield _steps(shelf, rounds)


def _patches(shelf: Shelf, rounds: int) -> Iterator[Row]:
    """One round: a LoRA never used before goes on, off, on again, becomes weaker, makes way for
    another, and that goes off. All do it in turn."""
    path, _ = shelf.files.checkpoints
    known, other, *fresh = shelf.files.loras
    unused = cycle(fresh)
    engine = shelf.engine()
    models = engine.load(shelf.catalog.checkpoint(path.name))
    bare = Bare(models, list(lora_layers()))
    theirs = rival.load(path, shelf.files.config, engine.dtype, engine.device)

    def ours(**weights: float) -> None:
        """With `known`, `other` or none of them."""
        named = {"known": known, "other": other}
        ready(engine, shelf.recipe(path, loras={named[n]: w for n, w in weights.items()}))

    seconds = interleaved(
        {
            "first": lambda: ready(engine, shelf.recipe(path, loras={next(unused): 1.0})),
            "off after first": ours,
            "on": lambda: ours(known=1.0),
            "bare on": lambda: bare.merge(known, 1.0),
            "their on": lambda: rival.load_lora(theirs, known),
            "weight": lambda: ours(known=0.5),
            "bare weight": lambda: bare.merge(known, 0.5),
            "their weight": lambda: theirs.set_adapters(known.stem, 0.5),
            "exchange": lambda: ours(other=1.0),
            "bare exchange": lambda: bare.merge(other, 1.0),
            "their unload": theirs.unload_lora_weights,
            "their exchange": lambda: rival.load_lora(theirs, other),
            "off": ours,
            "copy": bare.copy,
            "their fuse": theirs.fuse_lora,
            "their unfuse": theirs.unfuse_lora,
            "their off": theirs.unload_lora_weights,
        },
        rounds,
    )
    merge, loading = "bare merge of the same tensors", "load_lora_weights"
    for what, mine, limit, their in (
        ("LoRA on, first time", "first", "bare on", "their on"),
        ("LoRA on", "on", "bare on", "their on"),
        ("LoRA re-weighted", "weight", "bare weight", "their on"),
        ("LoRA exchanged", "exchange", "bare exchange", "their exchange"),
    ):
        yield Row(what, seconds[mine], merge, seconds[limit], MERGE)
        yield Row(what, seconds[mine], loading, seconds[their], OF_LOADING)
    yield Row("LoRA off", seconds["off"], "copying the touched weights", seconds["copy"], OFF)
    fused = seconds["their exchange"] + seconds["their fuse"]
    yield Row("LoRA on", seconds["on"], "load_lora_weights, fuse_lora", fused)
    yield Row("LoRA re-weighted", seconds["weight"], "set_adapters", seconds["their weight"])
    yield Row("LoRA off", seconds["off"], "unload_lora_weights", seconds["their off"])
    free(engine)


def _steps(shelf: Shelf, rounds: int) -> Row:
    """Pictures with and without, in turn; every step but the first counts."""
    path, _ = shelf.files.checkpoints
    lora, *_ = shelf.files.loras
    engine = shelf.engine()
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for round_ in range(rounds + 1):
        for patched in seconds:
            loras = {lora: 1.0} if patched else {}
            steps = step_seconds(engine, shelf.recipe(path, loras=loras))
            if round_:
                seconds[patched] += steps
    free(engine)
    with_it, without = (statistics.median(seconds[patched]) for patched in (True, False))
    return Row(f"a step with a LoRA, {shelf.side} px", with_it, "without", without, STEP)
