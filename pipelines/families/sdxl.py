"""SDXL base (Podell et al. 2023): CLIP ViT-L/14 and OpenCLIP ViT-bigG/14 side by side.

The states of both before their last layer, not normalised; the second encoder's projected
vector and the sizes condition the UNet as well.
"""

from __future__ import annotations

from pipelines.library.header import Header
from pipelines.library.kinds import Family, Shape, TextEncoder
from pipelines.library.unet import original_shape
from pipelines.samplers import ALIGNED_SDXL

CLIP_L = TextEncoder(
    component="text_encoder",
    prefix="conditioner.embedders.0.transformer.",
    layout="transformers",
    pad=49407,
    least_skip=2,
    final_norm=False,
)

CLIP_BIG_G = TextEncoder(
    component="text_encoder_2",
    prefix="conditioner.embedders.1.model.",
    layout="open_clip",
    pad=0,
    least_skip=2,
    final_norm=False,
    pooled=True,
)


def shape_of(header: Header) -> Shape | None:
    """See `Family.shape_of`."""
    return original_shape(header, CLIP_L.prefix, CLIP_BIG_G.prefix, size_embedding=True)


SDXL = Family(
    name="sdxl",
    label="SDXL",
    encoders=(CLIP_L, CLIP_BIG_G),
    shape_of=shape_of,
    aligned=ALIGNED_SDXL,
    conditioning="size",
    zero_empty_negative=True,
    said=("sdxl", "stable-diffusion-xl", "pony", "illustrious", "noobai"),
)
