"""Writes a member's trained components as one file in its family's original key layout."""

import copy
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from torch import Tensor

from tools.starter.learn.configs import family, read_config, variant
from tools.starter.learn.layout import text_tensors, unet_tensors, vae_tensors
from tools.starter.learn.vae import rescale

_ARCHITECTURES = {
    "sd1": "stable-diffusion-v1",
    "sd2": "stable-diffusion-v2",
    "sdxl": "stable-diffusion-xl-v1-base",
}


def scaled_vae(member: str, vae: AutoencoderKL) -> AutoencoderKL:
    """A copy whose latents, times the scaling factor of the member's config, have spread 1."""
    scaled = copy.deepcopy(vae).float()
    factor = 1 / read_config(member, "vae")["scaling_factor"]
    rescale(scaled, np.full(scaled.config.latent_channels, factor))
    return scaled


def spread_one(vae: AutoencoderKL) -> AutoencoderKL:
    """A copy of a checkpoint's VAE whose latents have spread 1 themselves."""
    plain = copy.deepcopy(vae).float()
    rescale(plain, np.full(plain.config.latent_channels, plain.config.scaling_factor))
    return plain


def single_file(
    member: str,
    unet: Mapping[str, Tensor],
    vae: AutoencoderKL,
    texts: Mapping[str, Mapping[str, Tensor]],
) -> dict[str, Tensor]:
    """All tensors in fp16 under their original names; `texts` by component.

    The latents of `vae` have spread 1, those of the file what the member's config says.
    """
    out = unet_tensors(unet, read_config(member, "unet")["layers_per_block"])
    levels = len(vae.config.block_out_channels)
    out |= vae_tensors(scaled_vae(member, vae).state_dict(), levels)
    for facts in family(member).encoders:
        out |= text_tensors(texts[facts.component], facts)
    return {k: v.detach().to("cpu", torch.float16).contiguous() for k, v in out.items()}


def export(
    path: Path,
    member: str,
    unet: Mapping[str, Tensor],
    vae: AutoencoderKL,
    texts: Mapping[str, Mapping[str, Tensor]],
    facts: Mapping[str, str],
) -> None:
    """Write the checkpoint with its `modelspec` metadata; `facts` adds to the metadata."""
    known = variant(member)
    metadata = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": _ARCHITECTURES[known.family],
        "modelspec.implementation": "diffusers",
        "modelspec.title": known.label,
        "modelspec.description": "Paints landscapes with houses, people, animals and more, in "
        "eight styles: there to try the studio.",
        "modelspec.license": "Apache-2.0",
        "modelspec.author": "The Gesso project",
        "modelspec.resolution": "256x256",
        "modelspec.prediction_type": "v" if known.prediction_type == "v_prediction" else "epsilon",
        "gesso.vae_scaling_factor": repr(read_config(member, "vae")["scaling_factor"]),
        **facts,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(single_file(member, unet, vae, texts), path, metadata)
