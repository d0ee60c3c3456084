"""What the files of a set will take, told by their headers. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.catalog import Checkpoint
from pipelines.geometry import Size
from pipelines.library.header import ELEMENT_BYTES
from pipelines.models.model_set import ModelSet
from pipelines.models.placement import DTYPE_BYTES, STORED, Placement, place_file
from pipelines.models.plan import Item, Key


def checkpoint_key(wanted: ModelSet) -> Key:
    """The checkpoint, as what it is taken for."""
    return "checkpoint", wanted.checkpoint.stamp, wanted.checkpoint.variant.name


def vae_key(wanted: ModelSet) -> Key | None:
    """The VAE of its own, with the config it is given; None: there is none."""
    if wanted.vae is None:
        return None
    return "vae", wanted.vae.stamp, wanted.checkpoint.variant.name


@dataclass(frozen=True)
class Needs:
    """Of a device with a budget of bytes (None: it shares the RAM) that computes in `dtype`."""

    dtype: str
    device_budget: int | None

    def placement(self, chosen: Checkpoint, size: Size) -> Placement:
        """How a checkpoint is placed for pictures of a size. Raises ModelFileError."""
        return place_file(
            chosen.path,
            chosen.entry.dtype,
            chosen.family,
            chosen.variant,
            self.dtype,
            self.device_budget,
            size,
        )

    def checkpoint(self, wanted: ModelSet, size: Size) -> Item:
        """The bytes of the checkpoint while a picture is painted. Raises ModelFileError."""
        chosen = wanted.checkpoint
        placed = self.placement(chosen, size)
        # A folder brings configs of its own, which another need not share.
        recyclable = placed.mode == "whole" and not chosen.path.is_dir()
        shape = chosen.variant.name if recyclable else None
        return Item(checkpoint_key(wanted), placed.peak, placed.ram, placed.parked, shape)

    def vae(self, wanted: ModelSet) -> Item:
        """The bytes of the VAE of its own, by the size of its file."""
        assert wanted.vae is not None
        key, vae = vae_key(wanted), wanted.vae
        stored = vae.entry.dtype or "F32"
        numbers = vae.entry.size_bytes // ELEMENT_BYTES.get(stored, 4)
        size = numbers * DTYPE_BYTES[self.dtype]
        if self.device_budget is not None:
            return Item(key, device=size, parked=size)
        held = 0 if STORED.get(stored) == self.dtype else size
        return Item(key, ram=held, parked=held)
