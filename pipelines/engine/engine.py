"""The engine: recipes in, pictures out, one at a time on one device."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import torch

from pipelines.catalog import Catalog, Checkpoint, Stamp
from pipelines.draft import check
from pipelines.engine.preview import PreviewMap
from pipelines.engine.render import OnEvent, Stop, render
from pipelines.engine.translate import translated
from pipelines.events import Event, Loading
from pipelines.models.device import bfloat16_gain, choose_device, choose_dtype
from pipelines.models.loader import LoadedCheckpoint, load_checkpoint
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
    ) -> None:
        if threads:
            torch.set_num_threads(threads)
        self.catalog = catalog
        self.device = choose_device(device)
        probed = dtype == "auto" and self.device.type == "cpu"
        self.bfloat16_gain = bfloat16_gain() if probed else None
        self.dtype = choose_dtype(self.device, dtype, self.bfloat16_gain)
        self._loaded: LoadedCheckpoint | None = None
        self._held: Stamp | None = None
        self._preview: PreviewMap | None = None

    def render(self, recipe: Recipe, on_event: OnEvent = _ignore, stop: Stop = _never) -> Picture:
        """Render one recipe.

        `on_event` hears Loading, Encoding, Step and Decoding; `stop` is asked between
        evaluations of the model. Raises StudioError or Cancelled.
        """
        started = time.monotonic()
        with translated():
            check(recipe, self.catalog)
            chosen = self.catalog.recall(recipe.checkpoint)
            models = self.load(chosen, on_event, stop)
            # A picture names its model for good, also when its hash was not known before: a large
            # file takes seconds to hash, so that is done beside the painting.
            aside = ThreadPoolExecutor(1)
            hashed = aside.submit(self.catalog.hashed, chosen)
            aside.shutdown(wait=False)
            image = render(recipe, models, on_event, stop, self._preview)
            sha256 = hashed.result().ref.sha256
            named = recipe.checkpoint.model_copy(update={"sha256": sha256})
        facts = self.facts(time.monotonic() - started)
        return Picture(image, recipe.model_copy(update={"checkpoint": named}), facts)

    def load(
        self, chosen: Checkpoint, on_event: OnEvent = _ignore, stop: Stop = _never
    ) -> LoadedCheckpoint:
        """Make a checkpoint of the catalog ready, unless it is the one already loaded."""
        if self._loaded is not None and self._held == chosen.stamp:
            return self._loaded
        self.free()

        def progress(done: int, total: int) -> None:
            on_event(Loading(what=chosen.ref.name, done=done, total=total))

        with translated(), torch.inference_mode():
            models = load_checkpoint(
                chosen.path,
                chosen.family,
                chosen.variant,
                dtype=self.dtype,
                device=self.device,
                progress=progress,
                stop=stop,
            )
            self._preview = PreviewMap.fit(models)
        self._loaded, self._held = models, chosen.stamp
        return models

    @property
    def checkpoint(self) -> str | None:
        """Name of the checkpoint that is loaded."""
        return self.catalog.name_of(self._loaded.path) if self._loaded else None

    def free(self) -> None:
        """Let go of every model."""
        self._loaded = self._held = self._preview = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def facts(self, seconds: float) -> Facts:
        """What a picture made now can say of its making."""
        return Facts(
            seconds=round(seconds, 3),
            device=str(self.device),
            dtype=str(self.dtype).removeprefix("torch."),
            threads=torch.get_num_threads(),
            versions=versions(*_PACKAGES),
        )
