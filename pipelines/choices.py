"""What a draft is decided from: the shape of `pipelines.catalog.Catalog`, without its weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pipelines.library.kinds import Family, Variant
from pipelines.recipe import ModelRef

if TYPE_CHECKING:
    from pipelines.library.entry import Entry
    from pipelines.library.kinds import Role


class ModelChoice(Protocol):
    """A file that can be chosen, and how a recipe names it."""

    @property
    def entry(self) -> Entry: ...
    @property
    def ref(self) -> ModelRef: ...


class Choice(ModelChoice, Protocol):
    """A checkpoint that can be chosen, and what it is."""

    @property
    def family(self) -> Family: ...
    @property
    def variant(self) -> Variant: ...


class Choices(Protocol):
    """What there is to choose from: `pipelines.catalog.Catalog` is one."""

    def checkpoint(self, name: str | None) -> Choice:
        """By name or hash; None is the default. Raises UnknownModel, WrongModel."""
        ...

    def recall(self, ref: ModelRef) -> Choice:
        """The very file a recipe names. Raises UnknownModel, WrongModel."""
        ...

    def model(self, role: Role, name: str) -> ModelChoice:
        """By name or hash. Raises UnknownModel, WrongModel, ModelFileError."""
        ...

    def models(self, role: Role) -> Sequence[ModelChoice]:
        """All that can be used."""
        ...

    def recall_model(self, role: Role, ref: ModelRef) -> ModelChoice:
        """The very file a recipe names. Raises as `model` does."""
        ...

    def automatic_vae(self, checkpoint: Choice) -> ModelChoice | None:
        """The VAE file that belongs to a checkpoint; None: the one in it."""
        ...

    def why_not(self, entry: Entry, checkpoint: Choice) -> str | None:
        """Why a file does not go with a checkpoint, in a sentence; None if it does or may."""
        ...

    def sampler(self, name: str) -> str:
        """The canonical name. Raises UnknownChoice."""
        ...

    def schedule(self, name: str, sampler: str) -> str:
        """The canonical name; `AUTOMATIC` is the sampler's own. Raises UnknownChoice."""
        ...
