"""The engine: recipes in, pictures out, one at a time on one device."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import torch

from pipelines.catalog import Catalog, Checkpoint, Stamp
from pipelines.draft import check
from pipelines.engine.heal import Ladder
from pipelines.engine.preview import PreviewMap
from pipelines.engine.render import OnEvent, Stop, render
from pipelines.engine.stages import Stages
from pipelines.engine.translate import translated
from pipelines.events import Event
from pipelines.models.device import bfloat16_gain, choose_device, choose_dtype
from pipelines.models.loader import LoadedCheckpoint
from pipelines.models.manager import ModelManager
from pipelines.models.model_set import ModelSet
from pipelines.picture import Facts, Picture, versions
from pipelines.recipe import Recipe

_PACKAGES = ("gesso", "torch", "diffusers", "transformers")


def _ignore(_: Event) -> None:
    return None


def _never() -> bool:
    return False


class Engine:
    """Owns the device and the checkpoint that is loaded there.

    `device` is "auto", "cpu", "cuda", "cuda:1", "mps"; `dtype` is "auto", "float32", "bfloat16"
    or "float16". `threads` fixes the number of CPU threads, because another number gives other
    last bits. `bfloat16_gain` is what the choice of the dtype on a processor rests on: how many
    times as fast as float32; None where it was not asked.
    """

    def __init__(
        self,
        catalog: Catalog,
        device: str = "auto",
        dtype: str = "auto",
        threads: int | None = None,
        ram_budget: int | None = None,
        device_budget: int | None = None,
    ) -> None:
        if threads:
            torch.set_num_threads(threads)
        self.catalog = catalog
        self.device = choose_device(device)
        probed = dtype == "auto" and self.device.type == "cpu"
        self.bfloat16_gain = bfloat16_gain() if probed else None
        self.dtype = choose_dtype(self.device, dtype, self.bfloat16_gain)
        self.manager = ModelManager(self.device, self.dtype, ram_budget, device_budget)
        self.stages = Stages()
        self._ladder = Ladder(self.manager)
        self._previews: dict[Stamp, PreviewMap] = {}

    def render(self, recipe: Recipe, on_event: OnEvent = _ignore, stop: Stop = _never) -> Picture:
        """Render one recipe.

        `on_event` hears Loading, Encoding, Step, Decoding and Notice; `stop` is asked between
        evaluations of the model. Raises StudioError or Cancelled.
        """
        started = time.monotonic()
        with translated():
            check(recipe, self.catalog)
            wanted = ModelSet.of(recipe, self.catalog)
            # A picture names its files for good, also when a hash was not known before: a large
            # file takes seconds to hash, so that is done beside the painting.
            aside = ThreadPoolExecutor(1)
            hashed = aside.submit(self.catalog.hashed_recipe, recipe)
            aside.shutdown(wait=False)
            preview = partial(self._preview, wanted)
            painted = render(recipe, wanted, self._ladder, self.stages, on_event, stop, preview)
            named = hashed.result()
        facts = self.facts(time.monotonic() - started, painted.healed)
        return Picture(painted.image, named, facts)

    def load(
        self, chosen: Checkpoint, on_event: OnEvent = _ignore, stop: Stop = _never
    ) -> LoadedCheckpoint:
        """Make a checkpoint of the catalog ready, unless it is the one already loaded."""
        with translated():
            return self._ready(ModelSet(chosen), on_event, stop)

    def _ready(self, wanted: ModelSet, on_event: OnEvent, stop: Stop) -> LoadedCheckpoint:
        models = self.manager.ready(wanted, on_event, stop)
        self._preview(wanted, models)
        return models

    def _preview(self, wanted: ModelSet, models: LoadedCheckpoint) -> PreviewMap:
        """The map that belongs to the VAE, fitted when it is first seen."""
        stamp = (wanted.vae or wanted.checkpoint).stamp
        if stamp not in self._previews:
            with torch.inference_mode():
                self._previews[stamp] = PreviewMap.fit(models)
        return self._previews[stamp]

    @property
    def checkpoint(self) -> str | None:
        """Name of the checkpoint in use."""
        return self.manager.checkpoint

    def state(self) -> dict[str, Any]:
        """What is loaded where: see `ModelManager.state`."""
        return self.manager.state()

    def free(self) -> None:
        """Let go of every model, and of what is remembered."""
        self.manager.free()
        self.stages.forget()
        self._ladder = Ladder(self.manager)
        self._previews.clear()

    def facts(self, seconds: float, healed: tuple[str, ...] = ()) -> Facts:
        """What a picture made now can say of its making."""
        return Facts(
            seconds=round(seconds, 3),
            device=str(self.device),
            dtype=str(self.dtype).removeprefix("torch."),
            threads=torch.get_num_threads(),
            versions=versions(*_PACKAGES),
            healed=healed,
        )
