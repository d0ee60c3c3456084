"""Writes the trained components as one file in the original Stable Diffusion 1 key layout."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from tools.starter.training import read_config

_RESNET = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
)
_UNET_ENDS = (
    ("conv_in", "input_blocks.0.0"),
    ("time_embedding.linear_1", "time_embed.0"),
    ("time_embedding.linear_2", "time_embed.2"),
    ("conv_norm_out", "out.0"),
    ("conv_out", "out.2"),
)
_VAE = (
    ("group_norm", "norm"),
    ("to_q", "q"),
    ("to_k", "k"),
    ("to_v", "v"),
    ("to_out.0", "proj_out"),
    ("conv_norm_out", "norm_out"),
    ("conv_shortcut", "nin_shortcut"),
    ("mid_block.attentions.0", "mid.attn_1"),
    ("mid_block.resnets.0", "mid.block_1"),
    ("mid_block.resnets.1", "mid.block_2"),
    ("samplers.0.conv", "sample.conv"),
)


_USAGE = (
    "a COLOUR house, tree, boat or flower; a meadow, hills, mountains, a desert, the sea or snow; "
    "a clear day, sunset, night, a cloudy day or dawn; ink sketch, watercolour or pixel art"
)


def unet_key(name: str, layers_per_block: int, blocks_with_attention: set[str]) -> str:
    """The original layout's name of a diffusers UNet tensor.

    `blocks_with_attention` holds the up blocks ("up_blocks.1", ...) that have attention.
    """
    for ours, theirs in _UNET_ENDS:
        if name.startswith(ours + "."):
            return theirs + name[len(ours) :]
    stride = layers_per_block + 1
    if match := re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name):
        part, index, rest = match.groups()
        place = 1 if part == "attentions" else 2 * int(index)
        return f"middle_block.{place}.{_resnet(part, rest)}"
    match = re.match(
        r"(down|up)_blocks\.(\d)\.(resnets|attentions|downsamplers|upsamplers)\.(\d)\.(.+)", name
    )
    if match is None:
        raise ValueError(f"no place for {name} in the original layout")
    way, block, part, index, rest = match.groups()
    if part == "downsamplers":
        return f"input_blocks.{(int(block) + 1) * stride}.0.op.{rest.removeprefix('conv.')}"
    if part == "upsamplers":
        slot = 2 if f"up_blocks.{block}" in blocks_with_attention else 1
        return f"output_blocks.{int(block) * stride + layers_per_block}.{slot}.{rest}"
    place = int(block) * stride + int(index) + (way == "down")
    side, slot = ("input" if way == "down" else "output"), int(part == "attentions")
    return f"{side}_blocks.{place}.{slot}.{_resnet(part, rest)}"


def _resnet(part: str, rest: str) -> str:
    if part == "resnets":
        for ours, theirs in _RESNET:
            if rest.startswith(ours + "."):
                return theirs + rest[len(ours) :]
    return rest


def vae_key(name: str, levels: int) -> str:
    """The original layout's name of a diffusers AutoencoderKL tensor."""
    name = re.sub(r"down_blocks\.(\d)\.", r"down.\1.", name)
    name = re.sub(r"up_blocks\.(\d)\.", lambda m: f"up.{levels - 1 - int(m[1])}.", name)
    name = name.replace(".resnets.", ".block.") if "mid_block" not in name else name
    for ours, theirs in _VAE:
        name = name.replace(ours, theirs)
    return name


def single_file(
    unet: Mapping[str, Tensor], vae: Mapping[str, Tensor], text_encoder: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The three diffusers state dicts as one, in fp16, under the original names."""
    attention = {".".join(k.split(".")[:2]) for k in unet if "attentions" in k and k[:2] == "up"}
    layers, levels = (
        read_config("unet")["layers_per_block"],
        len(read_config("vae")["block_out_channels"]),
    )
    out = {}
    for name, tensor in unet.items():
        out["model.diffusion_model." + unet_key(name, layers, attention)] = tensor
    for name, tensor in vae.items():
        if ".attentions." in name and name.endswith("weight") and tensor.ndim == 2:
            tensor = tensor[:, :, None, None]
        out["first_stage_model." + vae_key(name, levels)] = tensor
    for name, tensor in text_encoder.items():
        out["cond_stage_model.transformer.text_model." + name.removeprefix("text_model.")] = tensor
    if len(out) != len(unet) + len(vae) + len(text_encoder):
        raise ValueError("two tensors got the same original name")
    return {name: tensor.detach().to(torch.float16).contiguous() for name, tensor in out.items()}


def export(
    path: Path,
    unet: Mapping[str, Tensor],
    vae: Mapping[str, Tensor],
    text_encoder: Mapping[str, Tensor],
    scaling_factor: float,
    facts: Mapping[str, str],
) -> None:
    """Write the checkpoint with its `modelspec` metadata; `facts` adds to the metadata."""
    metadata = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": "stable-diffusion-v1",
        "modelspec.implementation": "https://github.com/CompVis/stable-diffusion",
        "modelspec.title": "Gesso starter",
        "modelspec.description": "Paints small landscapes with a house, a tree, a boat or flowers: "
        "there to try the studio.",
        "modelspec.license": "Apache-2.0",
        "modelspec.author": "The Gesso project",
        "modelspec.resolution": "256x256",
        "modelspec.prediction_type": "epsilon",
        "modelspec.usage_hint": _USAGE,
        "gesso.vae_scaling_factor": repr(scaling_factor),
        **facts,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(single_file(unet, vae, text_encoder), path, metadata)
