"""SDXL refiner (Podell et al. 2023, section 2.5): OpenCLIP ViT-bigG/14 alone, and an aesthetic
score in place of the target size."""

from __future__ import annotations

from pipelines.library.header import Header
from pipelines.library.kinds import Family, Shape, TextEncoder
from pipelines.library.unet import original_shape
from pipelines.samplers import ALIGNED_SDXL

CLIP_BIG_G = TextEncoder(
    component="text_encoder_2",
    prefix="conditioner.embedders.0.model.",
    layout="open_clip",
    pad=0,
    least_skip=2,
    final_norm=False,
    pooled=True,
)


def shape_of(header: Header) -> Shape | None:
    """See `Family.shape_of`."""
    return original_shape(header, CLIP_BIG_G.prefix, size_embedding=True)


SDXL_REFINER = Family(
    name="sdxl-refiner",
    label="SDXL refiner",
    encoders=(CLIP_BIG_G,),
    shape_of=shape_of,
    aligned=ALIGNED_SDXL,
    conditioning="aesthetic",
    said=("stable-diffusion-xl-v1-refiner",),
)
