"""What a LoRA does to one weight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor


class Key(NamedTuple):
    """A weight: the component it is in, and its name in the component's module."""

    component: str
    name: str


class Change(ABC):
    """A change of one weight, kept as its factors lie in the mapped file."""

    reads_weight: ClassVar[bool] = False
    """Whether the change depends on the weight that it changes."""

    @abstractmethod
    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether it is a change of a weight of this shape."""

    @abstractmethod
    def delta(self, weight: Tensor) -> Tensor:
        """What is to be added at strength 1: float32, of the shape and on the device of `weight`,
        which is the original one in float32. Its values are only looked at with `reads_weight`."""

    def add_to(self, total: Tensor, original: Tensor, strength: float) -> None:
        """Add the change to `total`, float32 and contiguous, in place."""
        weight = original.to(total) if self.reads_weight else total
        total.add_(self.delta(weight), alpha=strength)


@dataclass(frozen=True, eq=False)
class Lora:
    """The changes of one file by the weight they apply to. `skipped` are the names in the file
    that say nothing about the models of its family."""

    changes: Mapping[Key, Change]
    skipped: tuple[str, ...] = ()
