"""LoRAs, embeddings and hypernetworks: small files that stay mapped and are read when needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from pipelines.models.embeddings import Embedding, read_embedding
from pipelines.models.hypernetworks import Hypernetwork, read_hypernetwork
from pipelines.models.lora import Lora, read_lora
from pipelines.models.model_set import ModelSet

_KEPT = 32
"""Files kept open after they were used: what is mapped costs an address, no memory."""

T = TypeVar("T")


@dataclass(frozen=True)
class Extras:
    """What a set of models has beside checkpoint and VAE."""

    loras: tuple[tuple[Lora, float, float], ...]
    embeddings: tuple[Embedding, ...]
    hypernetworks: tuple[tuple[Hypernetwork, float], ...]


class ExtraFiles:
    """Reads them, and remembers those used last."""

    def __init__(self) -> None:
        self._read: OrderedDict[Hashable, Any] = OrderedDict()

    def of(self, wanted: ModelSet) -> Extras:
        """Everything a set needs. Raises ModelFileError, or WrongModel for what does not go with
        its checkpoint; nothing is changed by reading."""
        family, variant = wanted.checkpoint.family, wanted.checkpoint.variant
        return Extras(
            loras=tuple(
                (
                    self._once(
                        (part.model.stamp, variant),
                        lambda part=part: read_lora(part.model.path, family, variant),
                    ),
                    part.unet_weight,
                    part.text_encoder_weight,
                )
                for part in wanted.loras
            ),
            embeddings=tuple(
                self._once(
                    (model.stamp, family.name),
                    lambda model=model: read_embedding(model.path, family),
                )
                for model in wanted.embeddings
            ),
            hypernetworks=tuple(
                (self._once(model.stamp, lambda model=model: read_hypernetwork(model.path)), weight)
                for model, weight in wanted.hypernetworks
            ),
        )

    def forget(self) -> None:
        """Close all files."""
        self._read.clear()

    def _once(self, key: Hashable, read: Callable[[], T]) -> T:
        if key not in self._read:
            self._read[key] = read()
        self._read.move_to_end(key)
        while len(self._read) > _KEPT:
            self._read.popitem(last=False)
        return self._read[key]
