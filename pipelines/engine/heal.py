"""The ladder: a stage that failed for memory, or for numbers that are none, is done by other means.

It is done again from its beginning, so that what it makes does not hang on where it failed. What
helped stands in the picture's facts, is told by a Notice, and is done at once for the next picture
of the same models and size.
"""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import torch

from pipelines.engine.means import Means, Measure, Stage, lesser, measures
from pipelines.engine.translate import translated
from pipelines.errors import InvalidNumbers, OutOfMemory, StudioError
from pipelines.events import Event
from pipelines.models.loader import LoadedCheckpoint
from pipelines.models.manager import ModelManager
from pipelines.models.model_set import ModelSet
from pipelines.recipe import Recipe

T = TypeVar("T")


@dataclass(frozen=True)
class Made(Generic[T]):
    """What a stage made, and what was out of the ordinary in its making."""

    value: T
    measures: tuple[Measure, ...]


class Ladder:
    """Keeps what helped, for as long as models and size stay the same."""

    def __init__(self, manager: ModelManager) -> None:
        self._manager = manager
        self._for: object = None
        self._means = Means()

    def climb(
        self,
        recipe: Recipe,
        wanted: ModelSet,
        on_event: Callable[[Event], None],
        stop: Callable[[], bool],
    ) -> Climb:
        """For one picture."""
        if self._for != (wanted, recipe.size):
            self._for, self._means = (wanted, recipe.size), Means()

        def models() -> LoadedCheckpoint:
            return self._manager.ready(wanted, on_event, stop, recipe.size)

        return Climb(self, recipe, models)

    def means(self, models: LoadedCheckpoint) -> Means:
        """Those to work by. The manager may hold a UNet as it was healed for another size, or
        in float8 from the start."""
        healed = models.dtype if models.dtype != self._manager.dtype else None
        stored = models.unet_storage is not None
        self._means = replace(self._means, unet_dtype=healed, float8=stored)
        return self._means

    def step_down(self, recipe: Recipe, stage: Stage, failure: StudioError) -> None:
        """Go over to the next means that can be had. Raises the failure where there are none,
        saying what was tried."""
        for means in lesser(self._means, stage, failure, recipe, self._manager.dtype):
            if self._obtained(means):
                self._means = means
                return
        raise _given_up(failure, [each.fact for each in measures(self._means, stage)])

    def _obtained(self, means: Means) -> bool:
        if means.placement is not None and means.placement != self._means.placement:
            return self._manager.lower(means.placement)
        if means.unet_dtype is not None and means.unet_dtype != self._means.unet_dtype:
            return self._manager.recast("unet", means.unet_dtype)
        return True


@dataclass(frozen=True)
class Climb:
    """One picture's way down the ladder. `models` makes ready what it needs."""

    ladder: Ladder
    recipe: Recipe
    models: Callable[[], LoadedCheckpoint]

    def run(self, stage: Stage, work: Callable[[LoadedCheckpoint, Means], T]) -> Made[T]:
        """Do a stage, and again by lesser means as often as it fails. Raises StudioError."""
        while True:
            try:
                with translated():
                    return self._once(stage, work)
            except (OutOfMemory, InvalidNumbers) as error:
                # Without the traceback, which holds on to all that the stage had computed.
                failure = copy.copy(error)
            gc.collect()
            torch.accelerator.empty_cache()
            self.ladder.step_down(self.recipe, stage, failure)

    def _once(self, stage: Stage, work: Callable[[LoadedCheckpoint, Means], T]) -> Made[T]:
        models = self.models()
        means = self.ladder.means(models)
        return Made(work(models, means), measures(means, stage))


def _given_up(failure: StudioError, tried: list[str]) -> StudioError:
    """The error that nothing helped against."""
    if not tried:
        return failure
    *others, last = tried
    means = f"{', '.join(others)} and {last}" if others else last
    message = f"{failure.message.removesuffix('.')}, even with {means}."
    return type(failure)(message, failure.cure, failure.field)
