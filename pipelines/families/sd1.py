"""Stable Diffusion 1.x: one CLIP ViT-L/14 text encoder, its last states normalised."""

from __future__ import annotations

from pipelines.library.header import Header
from pipelines.library.kinds import Family, Shape, TextEncoder
from pipelines.library.unet import original_shape
from pipelines.samplers import ALIGNED_SD1

CLIP_L = TextEncoder(
    component="text_encoder",
    prefix="cond_stage_model.transformer.",
    layout="transformers",
    pad=49407,
)


def shape_of(header: Header) -> Shape | None:
    """See `Family.shape_of`."""
    return original_shape(header, CLIP_L.prefix)


SD1 = Family(
    name="sd1",
    label="SD 1.x",
    encoders=(CLIP_L,),
    shape_of=shape_of,
    aligned=ALIGNED_SD1,
    said=("sd_v1", "stable-diffusion-v1", "sd 1", "sd1", "sd-v1", "vae-ft-", "kl-f8-anime"),
)
