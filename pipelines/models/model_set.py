"""The files one picture needs, as they lie on the disk now."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from pipelines.catalog import Catalog, Checkpoint, Model, Stamp
from pipelines.recipe import Recipe


@dataclass(frozen=True)
class LoraPart:
    """A LoRA and how much of it is added to each part."""

    model: Model
    unet_weight: float
    text_encoder_weight: float


@dataclass(frozen=True, eq=False)
class ModelSet:
    """What a recipe needs beside itself. Two sets are equal when their files, by path, size and
    time of the last change, and their weights are."""

    checkpoint: Checkpoint
    vae: Model | None = None
    loras: tuple[LoraPart, ...] = ()
    embeddings: tuple[Model, ...] = ()
    hypernetworks: tuple[tuple[Model, float], ...] = ()

    @classmethod
    def of(cls, recipe: Recipe, catalog: Catalog) -> ModelSet:
        """The very files a recipe names. Raises UnknownModel, WrongModel, ModelFileError."""
        recall = catalog.recall_model
        return cls(
            checkpoint=catalog.recall(recipe.checkpoint),
            vae=None if recipe.vae is None else recall("vae", recipe.vae),
            loras=tuple(
                LoraPart(recall("lora", use.model), use.unet_weight, use.text_encoder_weight)
                for use in recipe.loras
            ),
            embeddings=tuple(recall("embedding", ref) for ref in recipe.embeddings),
            hypernetworks=tuple(
                (recall("hypernetwork", use.model), use.weight) for use in recipe.hypernetworks
            ),
        )

    def extras(self) -> Iterator[Model]:
        """The files beside checkpoint and VAE."""
        yield from (part.model for part in self.loras)
        yield from self.embeddings
        yield from (model for model, _ in self.hypernetworks)

    @property
    def text_key(self) -> Hashable:
        """What of the files decides the conditioning of a text."""
        loras = tuple(
            (part.model.stamp, part.text_encoder_weight)
            for part in self.loras
            if part.text_encoder_weight
        )
        return self._painter, loras, _stamps(self.embeddings)

    @property
    def latents_key(self) -> Hashable:
        """What of them decides the latents; that of the text is in it."""
        loras = tuple((p.model.stamp, p.unet_weight) for p in self.loras if p.unet_weight)
        networks = tuple((model.stamp, weight) for model, weight in self.hypernetworks if weight)
        return self.text_key, loras, networks

    @property
    def pixels_key(self) -> Hashable:
        """What of them decides the pixels; that of the latents is in it."""
        return self.latents_key, self.vae.stamp if self.vae else None

    @property
    def patches(self) -> Hashable:
        """What is merged into the checkpoint's weights; () is nothing."""
        return tuple(
            (part.model.stamp, part.unet_weight, part.text_encoder_weight)
            for part in self.loras
            if part.unet_weight or part.text_encoder_weight
        )

    @property
    def _painter(self) -> Hashable:
        """The checkpoint, as what it is taken for: a sidecar may change that."""
        return self.checkpoint.stamp, self.checkpoint.variant.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelSet) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> Hashable:
        return (
            self._painter,
            self.vae.stamp if self.vae else None,
            tuple((p.model.stamp, p.unet_weight, p.text_encoder_weight) for p in self.loras),
            _stamps(self.embeddings),
            tuple((model.stamp, weight) for model, weight in self.hypernetworks),
        )


def _stamps(models: tuple[Model, ...]) -> tuple[Stamp, ...]:
    return tuple(model.stamp for model in models)
