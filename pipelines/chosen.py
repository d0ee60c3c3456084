"""Model files that can be chosen, as the catalog gives them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.library.entry import Entry
from pipelines.library.kinds import Family, Variant
from pipelines.recipe import ModelRef

Stamp = tuple[Path, int, int]
"""Path, size in bytes and time of the last change."""


@dataclass(frozen=True)
class Model:
    """A model file that can be chosen: a VAE, a LoRA, an embedding, ..."""

    entry: Entry

    @property
    def ref(self) -> ModelRef:
        """How a recipe names it."""
        entry, hashes = self.entry, self.entry.hashes
        if hashes is None:
            return ModelRef(name=entry.name)
        addnet = hashes.addnet if entry.role == "lora" else None
        return ModelRef(name=entry.name, sha256=hashes.sha256, addnet=addnet or None)

    @property
    def path(self) -> Path:
        """The file; of a checkpoint, it may be a diffusers folder."""
        return self.entry.path

    @property
    def stamp(self) -> Stamp:
        """Changes with the file: what was loaded of another stamp is out of date."""
        return self.entry.path, self.entry.size_bytes, self.entry.mtime_ns


@dataclass(frozen=True)
class Checkpoint(Model):
    """A checkpoint that can be chosen."""

    family: Family
    variant: Variant

    @property
    def label(self) -> str:
        """As a list shows it: name and variant."""
        return f"{self.entry.stem} · {self.variant.label}"

    @property
    def note(self) -> str | None:
        """A hint for the artist about using it, if there is one."""
        return self.entry.note
