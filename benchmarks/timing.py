"""Fair timing on a machine that is not quiet: interleave, repeat, take medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the report: what was measured, against what, and what is wanted."""

    what: str
    ours: float
    against: str
    theirs: float
    wanted: float | None = None
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    def __str__(self) -> str:
        verdict = ""
        if self.wanted is not None:
            verdict = f"  want <= {self.wanted:g}: {'yes' if self.ratio <= self.wanted else 'NO'}"
        return (
            f"{self.what:<44} {self.ours:9.4f} {self.unit}   "
            f"{self.against:<34} {self.theirs:9.4f} {self.unit}   "
            f"ratio {self.ratio:6.3f}{verdict}"
        )


def interleaved(
    contenders: Mapping[str, Callable[[], object]],
    rounds: int,
    before: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """Median seconds of each contender, run in turn so that noise falls on all alike.

    A first round, not counted, warms everybody up. `before` each run, and not counted, the stage
    is cleared. What a contender returns is let go of after its time is taken.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for round_ in range(rounds + 1):
        for name, run in contenders.items():
            before()
            started = time.perf_counter()
            made = run()
            taken = time.perf_counter() - started
            del made
            if round_:
                seconds[name].append(taken)
    return {name: statistics.median(times) for name, times in seconds.items()}
