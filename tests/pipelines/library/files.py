"""Model files for tests: real headers over weights that take no room on the disk."""

from __future__ import annotations

import gzip
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from pipelines.library.header import ELEMENT_BYTES, Header, TensorInfo

KEYS = Path(__file__).parents[2] / "data" / "keys"
"""Names and shapes of real checkpoints, nothing else of them."""

PRESETS = Path(__file__).parents[3] / "presets"

Tensors = Mapping[str, TensorInfo]


def f16(*shape: int) -> TensorInfo:
    """A tensor of half-precision numbers."""
    return TensorInfo("F16", shape)


def real(name: str) -> dict[str, TensorInfo]:
    """The tensors of a real checkpoint: "sd15", "sd2", "sd2-depth", "sdxl", ..."""
    shapes = json.loads(gzip.decompress((KEYS / f"{name}.json.gz").read_bytes()))
    return {
        key: TensorInfo(shape[0], tuple(shape[1:]))
        if shape and isinstance(shape[0], str)
        else f16(*shape)
        for key, shape in shapes.items()
    }


def header(tensors: Tensors, **metadata: str) -> Header:
    """The header such a file would have."""
    return Header(tensors, metadata)


def head(tensors: Tensors, metadata: Mapping[str, str] | None = None) -> tuple[bytes, int]:
    """The first bytes of a safetensors file of these tensors, and the length of the rest."""
    description: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    position = 0
    for name, (dtype, shape) in tensors.items():
        end = position + ELEMENT_BYTES[dtype] * math.prod(shape)
        offsets = [position, end]
        description[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": offsets}
        position = end
    text = json.dumps(description).encode()
    return len(text).to_bytes(8, "little") + text, position


def write(
    path: Path,
    tensors: Tensors,
    metadata: Mapping[str, str] | None = None,
    *,
    missing: int = 0,
    age: float = 60.0,
) -> Path:
    """A file whose weights are a hole of zeros, `missing` bytes short, last changed `age` seconds
    ago. Returns its path."""
    start, rest = head(tensors, metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(start)
    os.truncate(path, len(start) + rest - missing)
    return aged(path, age)


def small(models: Path, name: str, prompt: str) -> Path:
    """A checkpoint small enough to hash in a moment: all its weights are empty but one."""
    tensors = {key: info._replace(shape=(0,)) for key, info in real("sd15").items()}
    for key in (
        "input_blocks.0.0.weight",
        "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
    ):
        tensors[f"model.diffusion_model.{key}"] = real("sd15")[f"model.diffusion_model.{key}"]
    return write(models / f"{name}.safetensors", tensors, {"prompt": prompt})


def aged(path: Path, age: float = 60.0) -> Path:
    """Make a file look as if it had been changed `age` seconds ago. Returns its path."""
    status = path.stat()
    then = status.st_atime_ns if age == 0 else status.st_mtime_ns - int(age * 1e9)
    os.utime(path, ns=(then, then))
    return path


def lora(width: int = 768, rank: int = 4) -> dict[str, TensorInfo]:
    """A small LoRA whose text is `width` wide."""
    module = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    return {
        f"{module}.lora_down.weight": f16(rank, width),
        f"{module}.lora_up.weight": f16(320, rank),
        f"{module}.alpha": f16(),
    }


VAE = {"decoder.conv_in.weight": f16(512, 4, 3, 3), "encoder.conv_in.weight": f16(128, 3, 3, 3)}
