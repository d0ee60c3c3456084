"""A large collection of LoRAs: the headers of real ones over weights that take no room."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

KEYS = 264
"""Tensors of one file: down, up and alpha of the 88 attention projections of 11 blocks."""

RANK = 1
AGE = 3600
"""Seconds since the files were changed last."""


def write_loras(folder: Path, count: int) -> None:
    """Write `count` files, half for SD 1.x and half for SDXL, into nested folders, unless they
    are there."""
    heads = (_head(_sd1_modules()), _head(_sdxl_modules()))
    then = time.time() - AGE
    for number in range(count):
        path = folder / f"artist {number % 40}" / f"set {number % 250}" / f"{number}.safetensors"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        start, rest = heads[number % 2]
        path.write_bytes(start)
        os.truncate(path, len(start) + rest)
        os.utime(path, (then, then))


def _head(modules: Iterator[tuple[str, int, int]]) -> tuple[bytes, int]:
    """The first bytes of a file with these modules (name, inputs, outputs), and how many follow."""
    described: dict[str, object] = {"__metadata__": _metadata()}
    position = 0
    for name, inputs, outputs in modules:
        shapes = {
            "alpha": [],
            "lora_down.weight": [RANK, inputs],
            "lora_up.weight": [outputs, RANK],
        }
        for part, shape in shapes.items():
            end = position + 2 * (shape[0] * shape[1] if shape else 1)
            offsets = [position, end]
            described[f"{name}.{part}"] = {"dtype": "F16", "shape": shape, "data_offsets": offsets}
            position = end
    assert len(described) == KEYS + 1
    text = json.dumps(described, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text, position


def _projections(block: str, width: int, text: int) -> Iterator[tuple[str, int, int]]:
    for attention, inputs in (("attn1", width), ("attn2", text)):
        for name in ("to_q", "to_k", "to_v", "to_out_0"):
            reads = inputs if name in ("to_k", "to_v") else width
            yield f"{block}_{attention}_{name}", reads, width


def _sd1_modules() -> Iterator[tuple[str, int, int]]:
    places = [(f"down_blocks_{i}_attentions_{j}", 320 << i) for i in range(3) for j in range(2)]
    places += [("mid_block_attentions_0", 1280)]
    places += [(f"up_blocks_{i}_attentions_{j}", 2560 >> i) for i in (1, 2) for j in range(2)]
    for place, width in places:
        yield from _projections(f"lora_unet_{place}_transformer_blocks_0", width, 768)


def _sdxl_modules() -> Iterator[tuple[str, int, int]]:
    for k in range(10):
        yield from _projections(f"lora_unet_input_blocks_7_1_transformer_blocks_{k}", 1280, 2048)
    yield from _projections("lora_unet_middle_block_1_transformer_blocks_0", 1280, 2048)


def _metadata() -> dict[str, str]:
    """What kohya's trainer leaves in a file, at its usual length."""
    tags = {f"a tag of this training set {k}": 100 - k for k in range(100)}
    return {
        "ss_base_model_version": "sd_v1",
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(RANK),
        "ss_network_alpha": "8",
        "ss_output_name": "a style",
        "ss_resolution": "(512, 512)",
        "ss_tag_frequency": json.dumps({"10_style": tags}),
    }
