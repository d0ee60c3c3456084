"""Names of the original checkpoints to the names of the modules. Tensors are passed on as they
are, or as views: nothing is copied but the one matrix that must be transposed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from pipelines.library.kinds import TextEncoder

_OPEN_CLIP = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
_OPEN_CLIP_BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}


def unet_from_original(tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict:
    """UNet tensors, named with their prefix, to diffusers' names.

    Raises KeyError where the size embedding is missing; other tensors are not asked for.
    """
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    return convert_ldm_unet_checkpoint(tensors, config)


def vae_from_original(tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict:
    """VAE tensors, named with their prefix, to diffusers' names."""
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    return convert_ldm_vae_checkpoint(tensors, config)


def text_from_original(tensors: Mapping[str, Tensor], facts: TextEncoder) -> dict[str, Tensor]:
    """A text encoder's tensors, named with their prefix, to transformers' names without the
    `text_model.` that only some classes, and only some files, put before them."""
    plain = {text_name(name.removeprefix(facts.prefix)): value for name, value in tensors.items()}
    if facts.layout == "transformers":
        return plain
    return dict(pair for item in plain.items() for pair in _from_open_clip(*item))


def text_name(name: str) -> str:
    """A text encoder's tensor, named without its wrapper."""
    return name.removeprefix("text_model.")


def _from_open_clip(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    if name in _OPEN_CLIP:
        yield _OPEN_CLIP[name], tensor
    elif name == "text_projection":
        # open_clip multiplies by it from the right, transformers has a linear layer.
        yield "text_projection.weight", tensor.T.contiguous()
    elif match := re.fullmatch(r"transformer\.resblocks\.(\d+)\.(.+)[._](weight|bias)", name):
        block, part, kind = match.groups()
        layer = f"encoder.layers.{block}"
        if part == "attn.in_proj":
            for projection, rows in zip("qkv", tensor.tensor_split(3), strict=True):
                yield f"{layer}.self_attn.{projection}_proj.{kind}", rows
        elif part in _OPEN_CLIP_BLOCK:
            yield f"{layer}.{_OPEN_CLIP_BLOCK[part]}.{kind}", tensor


def vae_name(name: str) -> str:
    """A VAE tensor's name as diffusers spells it now: until 2023 its attention was spelt
    `query`, `key`, `value`, `proj_attn`."""
    start, dot, rest = name.partition(".attentions.0.")
    part, _, kind = rest.rpartition(".")
    return f"{start}{dot}{_OLD_ATTENTION.get(part, part)}.{kind}" if dot else name
