"""Modules that fail as they do on real machines, and count how often they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.models.loader import LoadedCheckpoint


@contextmanager
def counted(models: LoadedCheckpoint) -> Iterator[Counter[str]]:
    """How often text encoders, UNet and the VAE's decoder run within it."""
    calls: Counter[str] = Counter()

    def count(name: str) -> Callable[..., None]:
        return lambda *_: calls.update([name])

    parts: list[tuple[str, nn.Module]] = [("unet", models.unet), ("vae", models.vae.decoder)]
    parts += [("text", encoder.module) for encoder in models.encoders]
    with ExitStack() as hooks:
        for name, module in parts:
            hooks.callback(module.register_forward_pre_hook(count(name)).remove)
        yield calls


@contextmanager
def short_of_memory(module: nn.Module, room: int, times: int | None = None) -> Iterator[None]:
    """The module has no room for inputs of more than `room` numbers, the first so many `times`."""
    failed = 0

    def check(_module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        nonlocal failed
        if arguments[0].numel() > room and failed != times:
            failed += 1
            raise torch.OutOfMemoryError("Tried to allocate more than there is")

    handle = module.register_forward_pre_hook(check)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def without_numbers(module: nn.Module, dtype: torch.dtype, after: int = 0) -> Iterator[None]:
    """The module gives NaN as long as its weights are of `dtype`, from its call `after` on."""
    calls = 0

    def spoil(_module: nn.Module, _arguments: object, output: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > after and next(module.parameters()).dtype == dtype:
            (output if isinstance(output, Tensor) else output.sample).fill_(float("nan"))

    handle = module.register_forward_hook(spoil)
    try:
        yield
    finally:
        handle.remove()
