"""The manager: it owns the device, and brings onto it what a picture needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch

from pipelines.catalog import Catalog
from pipelines.events import Event, Loading
from pipelines.models.loader import LoadedCheckpoint, load_checkpoint
from pipelines.models.model_set import ModelSet

Rung = Literal["offload", "stream"]
"""A lower placement: text encoders and VAE on the device only while used; weights streamed."""


class ModelManager:
    """Keeps models ready within byte budgets. Budgets are in bytes; None: what the machine has."""

    def __init__(
        self,
        catalog: Catalog,
        device: torch.device,
        dtype: torch.dtype,
        ram_budget: int | None = None,
        device_budget: int | None = None,
    ) -> None:
        self.catalog = catalog
        self.device = device
        self.dtype = dtype
        self.ram_budget = ram_budget
        self.device_budget = device_budget
        self._loaded: LoadedCheckpoint | None = None
        self._held: ModelSet | None = None

    @property
    def checkpoint(self) -> str | None:
        """Name of the checkpoint in use."""
        return self.catalog.name_of(self._loaded.path) if self._loaded else None

    def ready(
        self, wanted: ModelSet, on_event: Callable[[Event], None], stop: Callable[[], bool]
    ) -> LoadedCheckpoint:
        """The wanted models, ready to paint. Raises StudioError or Cancelled."""
        if self._loaded is not None and self._held == wanted:
            return self._loaded
        self.free()
        chosen = wanted.checkpoint

        def progress(done: int, total: int) -> None:
            on_event(Loading(what=chosen.ref.name, done=done, total=total))

        self._loaded = load_checkpoint(
            chosen.path,
            chosen.family,
            chosen.variant,
            dtype=self.dtype,
            device=self.device,
            progress=progress,
            stop=stop,
        )
        self._held = wanted
        return self._loaded

    def lower(self, rung: Rung) -> bool:
        """Place the models in use so that less of the device is needed; whether that was
        possible."""
        return False

    def free(self) -> None:
        """Let go of every model."""
        self._loaded = self._held = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def state(self) -> dict[str, Any]:
        """What is loaded where, as plain data (bytes)."""
        return {
            "checkpoint": self.checkpoint,
            "models": [],
            "ram_bytes": 0,
            "ram_budget": self.ram_budget,
            "device_bytes": 0,
            "device_budget": self.device_budget,
            "placement": "whole",
        }
