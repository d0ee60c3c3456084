"""Full-size checkpoints of random weights: every name, shape and byte of a published file, but
no picture in it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from pipelines.families import families, variants
from pipelines.models.skeleton import read_config, text_skeleton, unet_skeleton, vae_skeleton
from tests import tiny
from tests.original_layout import text_to_original, unet_to_original, vae_to_original

PRESETS = Path(__file__).parents[1] / "presets"

_POOL = 2**22


def make_full_size(variant: str, path: Path, seed: int = 0) -> Path:
    """Write a float16 checkpoint of a variant ("sd15", "sdxl", ...) in the original layout.

    Returns `path`; a file that is already there is left alone. SD 1.5 takes 2.1 GB.
    """
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    shapes = {name: tuple(tensor.shape) for name, tensor in original_tensors(variant).items()}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        header = _header(shapes)
        file.write(len(header).to_bytes(8, "little") + header)
        for tensor in _random(shapes, seed):
            file.write(memoryview(tensor.numpy()).cast("B"))
    return partial.replace(path)


def original_tensors(variant: str) -> dict[str, Tensor]:
    """Every weight of a variant under its original name, on the meta device."""
    facts = next(known for known in variants([PRESETS]) if known.name == variant)
    family = next(known for known in families() if known.name == facts.family)
    folder = facts.folder
    unet, vae = read_config(folder, "unet"), read_config(folder, "vae")
    tensors = unet_to_original(unet_skeleton(folder).state_dict(), unet["layers_per_block"])
    tensors |= vae_to_original(
        vae_skeleton(folder).state_dict(), blocks=len(vae["block_out_channels"])
    )
    for encoder in family.encoders:
        wrapper = "text_model." if encoder.layout == "transformers" else ""
        module = text_skeleton(folder, encoder.component)
        tensors |= text_to_original(module.state_dict(), encoder.prefix + wrapper, encoder.layout)
    return tensors


def config_with_tokenizer(variant: Path, folder: Path) -> Path:
    """A variant's component configs and what diffusers wants besides: the tokenizers' files."""
    shutil.copytree(variant, folder, dirs_exist_ok=True)
    tiny.tokenizer().save_pretrained(folder / "tokenizer")
    if (variant / "text_encoder_2").is_dir():
        tiny.tokenizer("!").save_pretrained(folder / "tokenizer_2")
    return folder


def _header(shapes: dict[str, tuple[int, ...]]) -> bytes:
    position, entries = 0, {}
    for name, shape in shapes.items():
        end = position + 2 * math.prod(shape)
        entries[name] = {"dtype": "F16", "shape": shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def _random(shapes: dict[str, tuple[int, ...]], seed: int) -> Iterator[Tensor]:
    """A tensor for each shape that keeps signals near unit size, cut from one pool of noise:
    drawing a billion numbers would take longer than everything measured with them."""
    pool = torch.randn(_POOL, generator=torch.Generator().manual_seed(seed)).half()
    start = 0
    for name, shape in shapes.items():
        count = math.prod(shape)
        noise = pool.roll(-start).repeat(math.ceil(count / _POOL))[:count].reshape(shape)
        start = (start + count + 1) % _POOL
        if len(shape) > 1:
            yield noise / math.sqrt(math.prod(shape[1:]))
        else:
            yield noise * 0.1 + (1 if name.endswith("weight") else 0)
