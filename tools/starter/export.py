"""Writes the trained components as one file in the original Stable Diffusion 1 key layout."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from tools.starter.learn.layout import unet_key, vae_key
from tools.starter.training import read_config

_USAGE = (
    "a COLOUR house, tree, boat or flower; a meadow, hills, mountains, a desert, the sea or snow; "
    "a clear day, sunset, night, a cloudy day or dawn; ink sketch, watercolour or pixel art"
)


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
