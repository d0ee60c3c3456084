"""The files that models are measured with: two checkpoints, LoRAs as kohya's trainer writes them,
and a VAE of its own."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from benchmarks.full_size import PRESETS, config_with_tokenizer, make_full_size
from pipelines.models.skeleton import text_skeleton, unet_skeleton
from tests.pipelines.models.lora.spelling import kohya

SD15 = PRESETS / "families" / "sd15"
RANK = 16
ALPHA = 8.0
LORAS = 8

_VAE = "first_stage_model."


class Layer(NamedTuple):
    """A module that a LoRA changes: its component, its name in it, and its weight's shape."""

    component: str
    module: str
    shape: tuple[int, ...]

    @property
    def written(self) -> str:
        """Its name in a LoRA's file."""
        return kohya(self.component, self.module, encoders=1)


@dataclass(frozen=True)
class Files:
    """Paths. `config` is the folder of configs and tokenizer that diffusers is given."""

    folder: Path
    checkpoints: tuple[Path, Path]
    loras: tuple[Path, ...]
    vae: Path
    config: Path

    @classmethod
    def make(cls, folder: Path, given: Sequence[Path] = ()) -> Files:
        """Make in `folder` what is not there yet; `given` are two checkpoints to use instead."""
        folder.mkdir(parents=True, exist_ok=True)
        one, two = given or [
            make_full_size("sd15", folder / f"{name}.safetensors", seed)
            for seed, name in enumerate(("a", "b"))
        ]
        if filecmp.cmp(one, two, shallow=False):
            raise SystemExit(f"{one} and {two} are alike: to Gesso they are one model.")
        layers = list(lora_layers())
        loras = [folder / f"lora-{number}.safetensors" for number in range(LORAS)]
        for seed, path in enumerate(loras):
            if not path.exists():
                _write_lora(path, layers, seed)
        vae = folder / "vae-of-its-own.safetensors"
        if not vae.exists():
            _write_vae(vae, two)
        config = config_with_tokenizer(SD15, folder / "config")
        return cls(folder, (one.resolve(), two.resolve()), tuple(loras), vae, config)


def lora_layers() -> Iterator[Layer]:
    """What kohya's trainer trains by default: every linear layer and 1x1 convolution of the
    transformers of the UNet (192), and every linear layer of the text encoder (72)."""
    parts = {"unet": unet_skeleton(SD15), "text_encoder": text_skeleton(SD15, "text_encoder")}
    for component, skeleton in parts.items():
        for name, module in skeleton.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d) and (
                ".attentions." in f".{name}" if component == "unet" else ".layers." in name
            ):
                yield Layer(component, name, tuple(module.weight.shape))


def _write_lora(path: Path, layers: Sequence[Layer], seed: int) -> None:
    dice = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in layers:
        out, inner, *window = layer.shape
        down = torch.randn((RANK, inner, *window), generator=dice) / inner**0.5
        up = torch.randn((out, RANK, *(1 for _ in window)), generator=dice) / 100
        tensors |= {
            f"{layer.written}.lora_down.weight": down.half(),
            f"{layer.written}.lora_up.weight": up.half(),
            f"{layer.written}.alpha": torch.tensor(ALPHA).half(),
        }
    save_file(tensors, path, {"ss_base_model_version": "sd_v1", "ss_network_dim": str(RANK)})


def _write_vae(path: Path, checkpoint: Path) -> None:
    with safe_open(checkpoint, "pt") as file:
        names = [name for name in file.keys() if name.startswith(_VAE)]  # noqa: SIM118
        save_file({name.removeprefix(_VAE): file.get_tensor(name) for name in names}, path)
