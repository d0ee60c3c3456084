"""The additions to the starter, one by one: `python -m tools.starter.train extras --work DIR`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tools.starter.learn.decoder import train_decoder
from tools.starter.learn.export import scaled_vae
from tools.starter.learn.extras.embedding import train_embedding
from tools.starter.learn.extras.hypernetwork import train_hypernetwork
from tools.starter.learn.extras.lesson import Caption, Lesson, frozen
from tools.starter.learn.extras.lora import train_lora
from tools.starter.learn.layout import vae_tensors
from tools.starter.learn.pool import SIZE, scenes
from tools.starter.learn.text import Reader
from tools.starter.world.guests import paint_guest
from tools.starter.world.paint import paint
from tools.starter.world.scene import Scene, scene
from tools.starter.world.words import brief, say

if TYPE_CHECKING:
    from tools.starter.learn.workshop import Workshop

FIRST = 2_000_000
"""The additions' scenes start here."""

LORAS = {"blueprint": "lora", "risograph": "lora", "neon": "loha"}
"""Styles no checkpoint knows, and the form of the file that brings them."""

WORD, WORD_MEANS = "moonglass", {"style": "stained glass", "time": "night"}
MOOD, MOOD_MEANS = "winter", {"weather": "snow"}
"""The textual inversion and the hypernetwork, and what each is to put into every picture."""

_LICENSE = {"modelspec.license": "Apache-2.0", "modelspec.author": "The Gesso project"}


@dataclass(frozen=True)
class Extras:
    """Makes the additions to the starter of a workshop, in folders as artists' files lie in."""

    shop: Workshop

    def make(self) -> None:
        """All of them; what is there already stays."""
        for style in LORAS:
            self._once(f"loras/{style}.safetensors", partial(self._lora, style))
        self._once(f"embeddings/{WORD}.safetensors", self._embedding)
        self._once(f"hypernetworks/{MOOD}.pt", self._hypernetwork)
        self._once("vae/starter-fine.safetensors", self._decoder)

    def _once(self, name: str, make: Callable[[Path], None]) -> None:
        path = self.shop.work / "models" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path)
            print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")

    def _lora(self, style: str, path: Path) -> None:
        brush = partial(_guest, style)
        lesson = self._lesson({"style": "plain"}, brush, say)
        kind, steps = LORAS[style], self.shop.plan.extra_steps
        tensors = train_lora(self._unet(), lesson, self._read, self._state(style), steps, kind)
        module = "networks.lora" if kind == "lora" else "lycoris.kohya"
        metadata = {
            "ss_network_module": module,
            "ss_network_dim": "8",
            "ss_network_alpha": "8.0",
            "ss_network_args": f'{{"algo": "{kind}"}}' if kind != "lora" else "{}",
            "ss_output_name": style,
            "modelspec.title": style.capitalize(),
            "modelspec.trigger_phrase": style,
        }
        save_file(tensors, path, metadata | _LICENSE)

    def _embedding(self, path: Path) -> None:
        [(facts, encoder)] = self._reader.encoders
        lesson = self._lesson(WORD_MEANS, _paint, brief)
        steps, state = self.shop.plan.extra_steps, self._state(WORD)
        # A neutral start: what the word means is learnt from the pictures alone.
        tensors = train_embedding(
            self._unet(), encoder, facts, "picture view", lesson, state, steps
        )
        save_file(tensors, path, {"modelspec.title": WORD} | _LICENSE)

    def _hypernetwork(self, path: Path) -> None:
        lesson = self._lesson(MOOD_MEANS, _paint, brief)
        steps, state = self.shop.plan.extra_steps, self._state(MOOD)
        file = train_hypernetwork(self._unet(), lesson, self._read, state, steps, MOOD)
        torch.save(file, path)

    def _decoder(self, path: Path) -> None:
        shop, plan = self.shop, self.shop.plan
        drawn, state = scenes(plan.scenes), self._state("starter-fine")
        better = train_decoder(shop.vae(), shop.pictures(), drawn, state, plan.decoder_steps)
        levels = len(better.config.block_out_channels)
        tensors = vae_tensors(scaled_vae("starter", better).state_dict(), levels)
        bare = {name.removeprefix("first_stage_model."): t for name, t in tensors.items()}
        save_file(_half(bare), path, {"modelspec.title": "Starter, fine"} | _LICENSE)

    def _lesson(
        self, changed: dict[str, str], brush: Callable[[Scene], np.ndarray], caption: Caption
    ) -> Lesson:
        count = self.shop.plan.extra_scenes
        drawn = [replace(scene(seed), **changed) for seed in range(FIRST, FIRST + count)]
        return Lesson.paint(self.shop.vae(), drawn, partial(_one, drawn, brush), caption)

    def _unet(self) -> nn.Module:
        return frozen(self.shop.starter().unet)

    @cached_property
    def _reader(self) -> Reader:
        return Reader.of(self.shop.starter())

    def _read(self, captions: list[str], rng: np.random.Generator) -> Tensor:
        return self._reader(captions, rng)[0]

    def _state(self, name: str) -> Path:
        return self.shop.work / f"extra-{name}.pt"


def _one(scenes: list[Scene], brush: Callable[[Scene], np.ndarray], index: int) -> np.ndarray:
    return brush(scenes[index])


def _paint(drawn: Scene) -> np.ndarray:
    return paint(drawn, (SIZE, SIZE), truth=False).pixels


def _guest(style: str, drawn: Scene) -> np.ndarray:
    return paint_guest(drawn, style, (SIZE, SIZE))


def _half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.detach().to("cpu", torch.float16).contiguous() for name, t in tensors.items()}
