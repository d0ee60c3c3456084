"""The manager: it owns the device, and brings onto it what a picture needs.

Models live in three tiers. In its *file* a model costs nothing but time; what can be used as it is
stays mapped there. In *RAM* it is parked. On the *device* it can paint. Where the device has no
memory of its own, as a processor, the last two are one, and a parked model is back at once.
"""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import torch

from pipelines.errors import Cancelled
from pipelines.geometry import Size
from pipelines.models.arrivals import Arrivals, OnEvent, Stop
from pipelines.models.extras import ExtraFiles, Extras
from pipelines.models.filling import Filling
from pipelines.models.held import Held
from pipelines.models.loader import LoadedCheckpoint
from pipelines.models.lora import merge
from pipelines.models.memory import this_machine
from pipelines.models.model_set import ModelSet
from pipelines.models.needs import Needs, checkpoint_key, vae_key
from pipelines.models.placement import MODES
from pipelines.models.plan import (
    Budgets,
    Current,
    Drop,
    Item,
    Key,
    Load,
    Park,
    Patch,
    Step,
    Wake,
    Wanted,
    plan,
)
from pipelines.models.residence import Residence

Rung = Literal["offload", "stream"]
"""A lower placement: idle parts off the device; weights streamed to it."""


class ModelManager:
    """Keeps models ready within budgets of bytes; None: what the machine has to give.

    More RAM than its budget is never taken, but for what one picture needs by itself. After an
    error or a cancel whatever is held is whole, and the next request starts right.
    """

    def __init__(
        self,
        device: torch.device,
        dtype: torch.dtype,
        ram_budget: int | None = None,
        device_budget: int | None = None,
    ) -> None:
        machine = this_machine(device)
        self.device = device
        self.dtype = dtype
        self.ram_budget = machine.ram_budget if ram_budget is None else ram_budget
        self.device_budget: int | None = None
        if machine.device_bytes:
            self.device_budget = machine.device_budget if device_budget is None else device_budget
        self._needs = Needs(str(dtype).removeprefix("torch."), self.device_budget)
        self._held: OrderedDict[Key, Held] = OrderedDict()
        self._extras = ExtraFiles()
        self._in_use: ModelSet | None = None
        self._size: Size | None = None
        self._ready: LoadedCheckpoint | None = None

    def ready(
        self, wanted: ModelSet, on_event: OnEvent, stop: Stop, size: Size | None = None
    ) -> LoadedCheckpoint:
        """The wanted models, ready to paint pictures of `size` (None: of the variant's first).

        `on_event` hears Loading with the bytes done of each file; `stop` is asked all along.
        Raises StudioError, or Cancelled.
        """
        size = size or wanted.checkpoint.variant.sizes[0]
        if self._ready is not None and (self._in_use, self._size) == (wanted, size):
            return self._ready
        extras = self._extras.of(wanted)  # What does not fit is refused before anything is touched.
        self._in_use = self._ready = None
        self._lower_for(wanted, size)
        arrivals = Arrivals(wanted, self._needs, self.device, self.dtype, size, on_event, stop)
        for step in self._plan(wanted, size):
            if stop():
                raise Cancelled
            self._take(step, arrivals, extras)
        for step in self._plan(wanted, size):  # Merging may have taken more than was thought.
            self._take(step, arrivals, extras)
        for key in _keys(wanted):
            self._held.move_to_end(key)
        self._in_use, self._size = wanted, size
        self._ready = self._together(wanted, extras)
        return self._ready

    def lower(self, rung: Rung) -> bool:
        """Have what is in use take less of the device, and keep nothing else; if nothing could be
        made ready, budget for less. Whether that is of any use. It stays so until the checkpoint
        is loaded anew."""
        self._ready = None
        used = [key for key in self._held if key in _keys(self._in_use)]
        idle = [key for key in self._held if key not in used]
        freed = any([self._held.pop(key).bytes for key in idle])
        for held in [self._held[key] for key in used]:
            if self.device_budget is not None and MODES.index(rung) > MODES.index(held.mode):
                with self._whole_or_gone(held):
                    held.lower(rung)
                freed = True
        self._empty_cache()
        return freed or (not used and self._budget_what_is_free())

    def recast(self, component: str, dtype: torch.dtype) -> bool:
        """Have a component of the checkpoint in use compute in another dtype, its weights taken
        anew from the file. Whether that can be done. It stays so until it is loaded anew."""
        wanted, self._ready = self._in_use, None
        held = self._held.get(checkpoint_key(wanted)) if wanted else None
        if wanted is None or held is None or held.storage is not None:
            return False
        loras = self._extras.of(wanted).loras
        models = held.checkpoint
        with self._changing(held):
            Filling(models.path, dtype, self.device, at_home=held.at_home).run(
                {component: held.modules[component]}, {component: models.mapped[component]}
            )
            held.models = replace(models, dtype=dtype)
            held.touched = merge(held.modules, models.originals, loras, held.touched)
        return True

    def free(self) -> None:
        """Let go of every model."""
        self._in_use = self._ready = None
        self._held.clear()
        self._extras.forget()
        gc.collect()
        self._empty_cache()

    @property
    def checkpoint(self) -> str | None:
        """Name of the checkpoint in use."""
        return self._in_use.checkpoint.ref.name if self._in_use else None

    def state(self) -> dict[str, Any]:
        """What is loaded where, as plain data; sizes in bytes.

        Where the device has no memory of its own, what is in use is on the "device" and what is
        parked in "ram"; what needs neither, because it is used where it lies, is in its "file".
        """
        used = _keys(self._in_use)
        rows = [held.row(key in used) for key, held in reversed(self._held.items())]
        rows += [
            {
                "name": model.ref.name,
                "role": model.entry.role,
                "where": "file",
                "bytes": model.entry.size_bytes,
                "in_use": True,
            }
            for model in (self._in_use.extras() if self._in_use else ())
        ]
        return {
            "checkpoint": self.checkpoint,
            "models": rows,
            "ram_bytes": sum(held.ram for held in self._held.values()),
            "ram_budget": self.ram_budget,
            "device_bytes": sum(held.on_device for held in self._held.values()),
            "device_budget": self.device_budget,
            "placement": self._held[used[0]].mode if used else "whole",
        }

    def _plan(self, wanted: ModelSet, size: Size) -> list[Step]:
        held = self._held.values()
        current = Current([each.item for each in held], {each.key: each.patches for each in held})
        items = [self._item(key, wanted, size) for key in _keys(wanted)]
        budgets = Budgets(self.ram_budget, self.device_budget or 0)
        return plan(current, Wanted(items, wanted.patches), budgets)

    def _item(self, key: Key, wanted: ModelSet, size: Size) -> Item:
        """What a wanted model takes in use: known if it is held, else told by its headers."""
        held = self._held.get(key)
        if held is not None and self.device_budget is None:
            return held.item
        if key == vae_key(wanted):
            return self._needs.vae(wanted)
        return self._needs.checkpoint(wanted, size)

    def _lower_for(self, wanted: ModelSet, size: Size) -> None:
        """Lower a checkpoint that is held for a size that needs it."""
        held = self._held.get(checkpoint_key(wanted))
        if held is not None and self.device_budget is not None:
            mode = self._needs.placement(wanted.checkpoint, size).mode
            if MODES.index(mode) > MODES.index(held.mode):
                with self._whole_or_gone(held):
                    held.lower(mode)

    def _take(self, step: Step, arrivals: Arrivals, extras: Extras) -> None:
        match step:
            case Drop(key):
                del self._held[key]
            case Park(key):
                with self._whole_or_gone(self._held[key]) as held:
                    held.park()
            case Wake(key):
                with self._whole_or_gone(self._held[key]) as held:
                    held.wake()
            case Load(key, into):
                # What is filled anew is of no use if that fails.
                spent = None if into is None else self._held.pop(into).checkpoint
                self._held[key] = arrivals.load(key, spent)
            case Patch(key, patches):
                held = self._held[key]
                with self._changing(held):
                    held.touched = arrivals.merge(held, extras)
                held.patches = patches

    @contextmanager
    def _whole_or_gone(self, held: Held) -> Iterator[Held]:
        """While a model is moved or changed: one that an error left half done is not kept."""
        try:
            yield held
        except Cancelled:
            raise
        except BaseException:
            del self._held[held.key]
            raise

    @contextmanager
    def _changing(self, held: Held) -> Iterator[None]:
        """While weights are changed. What a cancel leaves behind is the file's."""
        with self._whole_or_gone(held):
            held.rest()
            try:
                yield
            except Cancelled:
                held.touched, held.patches = frozenset(), ()
                raise
            finally:
                held.rise()

    def _together(self, wanted: ModelSet, extras: Extras) -> LoadedCheckpoint:
        """Checkpoint, VAE and all that is used with them, as the engine sees it."""
        held = self._held[checkpoint_key(wanted)]
        models = held.checkpoint
        guests = held.at_home - ({"unet"} if held.mode == "stream" else set())
        if (key := vae_key(wanted)) is not None:
            own = self._held[key]
            mapped = {**models.mapped, **own.mapped}
            models = replace(models, vae=own.modules["vae"], mapped=mapped)
            guests = (guests - {"vae"}) | own.at_home
        modules = models.modules()
        away = {component: modules[component] for component in sorted(guests)}
        return replace(
            models,
            embeddings=extras.embeddings,
            hypernetworks=extras.hypernetworks,
            residence=Residence(away, self.device) if away else None,
            unet_storage=held.storage,
        )

    def _budget_what_is_free(self) -> bool:
        """Plan with the memory that the device has left, if that is less than was thought: other
        programs take some, too. Whether it is."""
        if self.device_budget is None:
            return False
        free = torch.cuda.mem_get_info(self.device)[0]
        if free >= self.device_budget:
            return False
        self.device_budget = free
        self._needs = replace(self._needs, device_budget=free)
        return True

    def _empty_cache(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()


def _keys(wanted: ModelSet | None) -> list[Key]:
    """Of the models a set needs loaded, the checkpoint first."""
    if wanted is None:
        return []
    return [key for key in (checkpoint_key(wanted), vae_key(wanted)) if key is not None]
