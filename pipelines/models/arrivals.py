"""How the models of a set come in: loaded from their files, and changed by its LoRAs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from pipelines.events import Event, Loading, Notice
from pipelines.geometry import Size
from pipelines.library.text import plain
from pipelines.models.extras import Extras
from pipelines.models.held import Held
from pipelines.models.loader import LoadedCheckpoint, load_checkpoint, load_vae
from pipelines.models.lora import Key as Weight
from pipelines.models.lora import merge
from pipelines.models.model_set import ModelSet
from pipelines.models.needs import Needs, vae_key
from pipelines.models.plan import Key

OnEvent = Callable[[Event], None]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Arrivals:
    """Loads what one set needs, tells the bytes done as Loading, and hears a stop."""

    wanted: ModelSet
    needs: Needs
    device: torch.device
    dtype: torch.dtype
    size: Size
    on_event: OnEvent
    stop: Stop

    def load(self, key: Key, spent: LoadedCheckpoint | None) -> Held:
        """Load the checkpoint, into the memory of one that is `spent`, or the VAE of its own.

        Raises ModelFileError, or Cancelled.
        """
        return self._vae(key) if key == vae_key(self.wanted) else self._checkpoint(key, spent)

    def merge(self, held: Held, extras: Extras) -> frozenset[Weight]:
        """Merge the LoRAs into a checkpoint; returns the weights that were changed."""
        for part in self.wanted.loras:
            self._progress(part.model.ref.name)(0, part.model.entry.size_bytes)
        touched = merge(
            held.modules, held.checkpoint.originals, extras.loras, held.touched, self.stop
        )
        for part, (lora, *_) in zip(self.wanted.loras, extras.loras, strict=True):
            name, size = part.model.ref.name, part.model.entry.size_bytes
            self._progress(name)(size, size)
            if lora.skipped:
                self.on_event(Notice(message=self._left_out(name, lora.skipped)))
        return touched

    def _checkpoint(self, key: Key, spent: LoadedCheckpoint | None) -> Held:
        chosen = self.wanted.checkpoint
        placed = self.needs.placement(chosen, self.size)
        parts = ["unet", "vae", *(encoder.component for encoder in chosen.family.encoders)]
        at_home = frozenset[str]()
        if placed.mode != "whole":
            at_home = frozenset(parts) - ({"unet"} if placed.device else set())
        models = load_checkpoint(
            chosen.path,
            chosen.family,
            chosen.variant,
            dtype=self.dtype,
            device=self.device,
            progress=self._progress(chosen.ref.name),
            stop=self.stop,
            into=spent,
            at_home=at_home,
        )
        shape = self.needs.checkpoint(self.wanted, self.size).shape
        held = Held(key, chosen.ref.name, models, self.device, shape, at_home=at_home)
        held.settle(
            placed.mode, None if placed.unet_storage == placed.dtype else placed.unet_storage
        )
        return held

    def _vae(self, key: Key) -> Held:
        assert self.wanted.vae is not None
        name, chosen = self.wanted.vae.ref.name, self.wanted.checkpoint
        whole = self.needs.placement(chosen, self.size).mode == "whole"
        at_home = frozenset[str]() if whole else frozenset({"vae"})
        vae = load_vae(
            self.wanted.vae.path,
            chosen.variant,
            dtype=self.dtype,
            device=self.device,
            progress=self._progress(name),
            stop=self.stop,
            at_home=at_home,
        )
        return Held(key, name, vae, self.device, at_home=at_home)

    def _left_out(self, name: str, parts: Sequence[str]) -> str:
        changes = "1 change" if len(parts) == 1 else f"{len(parts):,} changes"
        return (
            f"Left out of {name}: {changes} of what {self.wanted.checkpoint.variant.label} does "
            f"not have ({plain(parts[0], 100)})."
        )

    def _progress(self, name: str) -> Callable[[int, int], None]:
        def tell(done: int, total: int) -> None:
            self.on_event(Loading(what=name, done=done, total=total))

        return tell
