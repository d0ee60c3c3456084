"""Where the parts of a checkpoint live, and how they come onto the device when they are used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_STREAMING = ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading")
"""What diffusers calls the hooks of its group offloading."""


class Residence:
    """Modules that live in RAM and are on the device only while they are used.

    Their weights stay where they are; what is brought to the device is a copy, dropped after use.
    So a LoRA is merged at home, and nothing ever has to be copied back.
    """

    def __init__(self, guests: Mapping[str, nn.Module], device: torch.device) -> None:
        self._guests = dict(guests)
        self._device = device
        self._inside: dict[str, int] = {}

    @contextmanager
    def using(self, component: str) -> Iterator[None]:
        """Has the component on the device, if it is one that comes and goes."""
        module = self._guests.get(component)
        if module is None or self._inside.get(component):
            yield
            return
        homes = [(tensor, tensor.data) for tensor in _tensors(module)]
        try:
            for tensor, home in homes:
                tensor.data = torch.empty_like(home, device=self._device)
                tensor.data.copy_(home, non_blocking=True)
            self._inside[component] = 1
            yield
        finally:
            self._inside.pop(component, None)
            for tensor, home in homes:
                tensor.data = home


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def stream(module: nn.Module, device: torch.device) -> None:
    """Have the layers of a module that lies in RAM come to the device one after the other."""
    from diffusers.hooks.group_offloading import apply_group_offloading

    apply_group_offloading(
        module,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="leaf_level",
        use_stream=device.type == "cuda",
    )


def unstream(module: nn.Module) -> None:
    """The module as it was before `stream`, in RAM."""
    from diffusers.hooks.hooks import HookRegistry

    registry = HookRegistry.check_if_exists_or_initialize(module)
    for name in _STREAMING:
        registry.remove_hook(name, recurse=True)
    for tensor in _tensors(module):
        if tensor.device.type != "cpu":  # The layer fetched first for the next time.
            tensor.data = tensor.data.cpu()
