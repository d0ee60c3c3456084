"""Names and tensors of a checkpoint as the original single files have them.

The way back from diffusers' names, written from the names in published SD 1.5, SD 2.1 and SDXL
files. It is the opposite of what the loader does and shares nothing with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

UNET = "model.diffusion_model."
VAE = "first_stage_model."

_RESNET = (
    ("norm1.", "in_layers.0."),
    ("conv1.", "in_layers.2."),
    ("time_emb_proj.", "emb_layers.1."),
    ("norm2.", "out_layers.0."),
    ("conv2.", "out_layers.3."),
    ("conv_shortcut.", "skip_connection."),
)
_UNET_ENDS = (
    ("conv_in.", "input_blocks.0.0."),
    ("time_embedding.linear_1.", "time_embed.0."),
    ("time_embedding.linear_2.", "time_embed.2."),
    ("add_embedding.linear_1.", "label_emb.0.0."),
    ("add_embedding.linear_2.", "label_emb.0.2."),
    ("conv_norm_out.", "out.0."),
    ("conv_out.", "out.2."),
)
_VAE = (
    (r"down_blocks\.(\d+)\.resnets\.(\d+)\.", r"down.\1.block.\2."),
    (r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.", r"down.\1.downsample.conv."),
    (r"up_blocks\.(\d+)\.resnets\.(\d+)\.", r"up.\1.block.\2."),
    (r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.", r"up.\1.upsample.conv."),
    (r"mid_block\.resnets\.0\.", "mid.block_1."),
    (r"mid_block\.resnets\.1\.", "mid.block_2."),
    (r"mid_block\.attentions\.0\.group_norm\.", "mid.attn_1.norm."),
    (r"mid_block\.attentions\.0\.to_([qkv])\.", r"mid.attn_1.\1."),
    (r"mid_block\.attentions\.0\.to_out\.0\.", "mid.attn_1.proj_out."),
    (r"conv_norm_out\.", "norm_out."),
    (r"conv_shortcut\.", "nin_shortcut."),
)
_OPEN_CLIP = (
    (r"embeddings\.token_embedding\.", "token_embedding."),
    (r"embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"final_layer_norm\.", "ln_final."),
    (r"encoder\.layers\.", "transformer.resblocks."),
    (r"layer_norm([12])\.", r"ln_\1."),
    (r"mlp\.fc1\.", "mlp.c_fc."),
    (r"mlp\.fc2\.", "mlp.c_proj."),
    (r"self_attn\.out_proj\.", "attn.out_proj."),
)


def unet_to_original(tensors: Mapping[str, Tensor], layers_per_block: int) -> dict[str, Tensor]:
    """The UNet's tensors under `model.diffusion_model.`."""
    has_attention = {name.split(".attentions.")[0] for name in tensors if ".attentions." in name}
    return {
        UNET + _unet_name(name, layers_per_block + 1, has_attention): tensor
        for name, tensor in tensors.items()
    }


def _unet_name(name: str, per_block: int, has_attention: set[str]) -> str:
    if match := re.match(r"(down|up)_blocks\.(\d+)\.(\w+)\.(\d+)\.(.*)", name):
        side, block, kind, layer, rest = match.groups()
        first = int(block) * per_block + (1 if side == "down" else 0)
        where = "input_blocks" if side == "down" else "output_blocks"
        if kind == "downsamplers":
            return f"{where}.{first + per_block - 1}.0.{rest.replace('conv.', 'op.')}"
        if kind == "upsamplers":
            place = 2 if f"up_blocks.{block}" in has_attention else 1
            return f"{where}.{first + per_block - 1}.{place}.{rest}"
        part = 0 if kind == "resnets" else 1
        return f"{where}.{first + int(layer)}.{part}.{_resnet_name(rest) if part == 0 else rest}"
    if match := re.match(r"mid_block\.resnets\.(\d)\.(.*)", name):
        return f"middle_block.{2 * int(match[1])}.{_resnet_name(match[2])}"
    if name.startswith("mid_block.attentions.0."):
        return name.replace("mid_block.attentions.0.", "middle_block.1.")
    return _renamed(name, _UNET_ENDS)


def _resnet_name(name: str) -> str:
    return _renamed(name, _RESNET)


def _renamed(name: str, starts: tuple[tuple[str, str], ...]) -> str:
    old, new = next(pair for pair in starts if name.startswith(pair[0]))
    return new + name.removeprefix(old)


def vae_to_original(tensors: Mapping[str, Tensor], blocks: int) -> dict[str, Tensor]:
    """The VAE's tensors under `first_stage_model.`; its attention is made of 1x1 convolutions,
    and its decoder counts blocks from the fine end."""
    original = {}
    for name, tensor in tensors.items():
        if ".attentions.0.to_" in name and tensor.ndim == 2:
            tensor = tensor[:, :, None, None]
        for pattern, replacement in _VAE:
            name = re.sub(pattern, replacement, name)
        name = re.sub(r"\bup\.(\d+)\.", lambda m: f"up.{blocks - 1 - int(m[1])}.", name)
        original[VAE + name] = tensor
    return original


def text_to_original(
    tensors: Mapping[str, Tensor], prefix: str, layout: Literal["transformers", "open_clip"]
) -> dict[str, Tensor]:
    """A text encoder's tensors under `prefix`."""
    plain = {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
    if layout == "transformers":
        return {prefix + name: tensor for name, tensor in plain.items()}
    original = {}
    for name, tensor in plain.items():
        if name == "text_projection.weight":
            original["text_projection"] = tensor.T.contiguous()
        elif match := re.match(r"encoder\.layers\.(\d+)\.self_attn\.q_proj\.(weight|bias)", name):
            parts = [plain[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            joined = f"transformer.resblocks.{match[1]}.attn.in_proj_{match[2]}"
            original[joined] = torch.cat(parts)
        elif not re.search(r"[kv]_proj", name):
            for pattern, replacement in _OPEN_CLIP:
                name = re.sub(pattern, replacement, name)
            original[name] = tensor
    return {prefix + name: tensor for name, tensor in original.items()}
