"""What was computed for a picture, kept for the next one: conditioning, latents, pixels.

Each is kept under exactly what decides it, so that a new seed encodes no text, another VAE samples
nothing, and the same recipe paints nothing again. What is kept lies in RAM, within a budget of
bytes; what was not used for longest leaves first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

from pipelines.models.model_set import ModelSet
from pipelines.recipe import Recipe

BUDGET = 2**28
"""Bytes that are kept unless another budget is given: some eighty pictures of 1024 x 1024."""

_FILES = {"checkpoint", "vae", "loras", "embeddings", "hypernetworks"}
"""Fields of a recipe that are in a `ModelSet`, as they lie on the disk. Of embeddings the names
count, too: they are words of the prompt."""

T = TypeVar("T")


class Keys(NamedTuple):
    """What decides the conditioning, the latents and the pixels of a picture.

    Of the recipe every field counts that is not known not to: a new one can make a stage be
    computed again for nothing, but never a wrong picture.
    """

    conditioning: Hashable
    latents: Hashable
    pixels: Hashable

    @classmethod
    def of(cls, recipe: Recipe, wanted: ModelSet) -> Keys:
        """The keys of a recipe with the files it needs."""
        words = tuple(embedding.name for embedding in recipe.embeddings)
        texts = recipe.prompt, recipe.negative_prompt, recipe.clip_skip, words
        decided = words, *(value for name, value in recipe if name not in _FILES)
        return cls(
            ("conditioning", texts, wanted.text_key),
            ("latents", decided, wanted.latents_key),
            ("pixels", decided, wanted.pixels_key),
        )


class Stages:
    """Remembers within `budget` bytes. For one thread."""

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def once(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """What is kept under `key`, or else what `make` returns, which is kept if its `size` in
        bytes is within the budget."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][0]
        value = make()
        self._keep(key, value, size(value))
        return value

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def forget(self) -> None:
        """Let go of everything."""
        self._kept.clear()
        self.bytes = 0

    def _keep(self, key: Hashable, value: object, size: int) -> None:
        if size > self.budget:
            return
        self._kept[key] = value, size
        self.bytes += size
        while self.bytes > self.budget:
            _, (_, left) = self._kept.popitem(last=False)
            self.bytes -= left
