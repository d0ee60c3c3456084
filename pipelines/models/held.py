"""A model that is loaded: what it takes, and how it moves between RAM and device."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.models.filling import Weights
from pipelines.models.loader import LoadedCheckpoint, LoadedVae
from pipelines.models.lora import Key as Weight
from pipelines.models.memory import PinnedSlab, Slab, cast_into
from pipelines.models.placement import FLOAT8, Mode
from pipelines.models.plan import Item, Key
from pipelines.models.residence import stream, unstream


@dataclass(eq=False)
class Held:
    """A checkpoint, or a VAE of its own, with its placement and what is merged into it.

    `at_home` are the components that live in RAM even while it is used, `storage` the dtype its
    UNet is kept in if that is another than that of computing, `touched` the weights that its
    `patches` changed. `ram` and `on_device` are bytes that its weights take there, `bytes` are
    all of them, mapped ones as well.
    """

    key: Key
    name: str
    models: LoadedCheckpoint | LoadedVae
    device: torch.device
    shape: Hashable = None
    mode: Mode = "whole"
    at_home: frozenset[str] = frozenset()
    storage: str | None = None
    asleep: bool = False
    patches: Hashable = ()
    touched: frozenset[Weight] = frozenset()
    ram: int = field(default=0, init=False)
    on_device: int = field(default=0, init=False)
    bytes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.weigh()

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Its modules by component."""
        models = self.models
        return models.modules() if isinstance(models, LoadedCheckpoint) else {"vae": models.vae}

    @property
    def mapped(self) -> Weights:
        """Its weights as they lie in its file."""
        models = self.models
        return models.mapped if isinstance(models, LoadedCheckpoint) else {"vae": models.mapped}

    @property
    def checkpoint(self) -> LoadedCheckpoint:
        """Its models, of a checkpoint."""
        assert isinstance(self.models, LoadedCheckpoint)
        return self.models

    @property
    def item(self) -> Item:
        """What it is to the plan."""
        parked = self.ram + self.on_device
        return Item(self.key, self.on_device, self.ram, parked, self.shape, self.asleep)

    def weigh(self) -> None:
        """Count the bytes of its weights anew. What is mapped takes none; a device that shares
        the RAM has none of its own."""
        self.ram = self.on_device = self.bytes = 0
        for component, module in self.modules.items():
            originals = self.mapped[component]
            for name, weight in module.named_parameters():
                self.bytes += weight.nbytes
                if weight.device.type == "cuda":
                    self.on_device += weight.nbytes
                elif weight.data_ptr() != originals[name].data_ptr():
                    self.ram += weight.nbytes

    def row(self, in_use: bool) -> dict[str, Any]:
        """Its line in the manager's state."""
        where = "device" if in_use else "ram"
        if self.device.type == "cuda":
            where = "ram" if self.asleep else "device"
        elif self.ram == 0:
            where = "file"
        role = "checkpoint" if isinstance(self.models, LoadedCheckpoint) else "vae"
        return {
            "name": self.name,
            "role": role,
            "where": where,
            "bytes": self.bytes,
            "in_use": in_use,
        }

    def park(self) -> None:
        """Move it to RAM."""
        self._move_home(self.modules.keys() - self.at_home)
        self.asleep = True
        self.weigh()

    def wake(self) -> None:
        """Move it back to the device, but for what lives in RAM."""
        for component, module in self.modules.items():
            if component not in self.at_home:
                for tensor in _tensors(module):
                    tensor.data = tensor.data.to(self.device, non_blocking=True)
        self.asleep = False
        self.weigh()

    def lower(self, mode: Mode) -> None:
        """Go over to a lower placement."""
        staying = {"unet"} if mode == "offload" else set()
        self._move_home(self.modules.keys() - self.at_home - staying)
        self.at_home = frozenset(self.modules.keys() - staying)
        self.shape = None  # A streamed module is not one that another checkpoint can be put into.
        self._take_up(mode)

    def settle(self, mode: Mode, storage: str | None = None) -> None:
        """Take up the placement that its weights were brought to, and keep the UNet's in
        `storage`."""
        if storage == FLOAT8:
            self.storage = storage
            self._store_in_float8()
        self._take_up(mode)

    def rest(self) -> None:
        """Have the weights where they can be changed."""
        if self.mode == "stream" and "unet" in self.modules:
            unstream(self.modules["unet"])

    def rise(self) -> None:
        """End of `rest`."""
        if self.mode == "stream" and "unet" in self.modules:
            stream(self.modules["unet"], self.device)
        self.weigh()

    def _take_up(self, mode: Mode) -> None:
        self.mode = mode
        self.rise()

    def _store_in_float8(self) -> None:
        """Rounded once, from the file: a LoRA that is taken out leaves the same bits."""
        unet, dtype = self.checkpoint.unet, self.checkpoint.dtype
        unet.enable_layerwise_casting(torch.float8_e4m3fn, dtype)
        for name, weight in unet.named_parameters():
            original = self.mapped["unet"][name]
            if weight.dtype == torch.float8_e4m3fn and original.dtype != dtype:
                cast_into(weight, original)

    def _move_home(self, components: Collection[str]) -> None:
        tensors = [t for name in sorted(components) for t in _tensors(self.modules[name])]
        slab = _ram_for(tensors, self.device)
        for tensor in tensors:
            home = slab.take(tensor.shape, tensor.dtype)
            home.copy_(tensor.data)
            tensor.data = home


def _ram_for(tensors: list[Tensor], device: torch.device) -> Slab | PinnedSlab:
    if device.type == "cuda":
        return PinnedSlab()
    return Slab(sum(Slab.size_of([tensor.shape], tensor.dtype) for tensor in tensors))


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()
