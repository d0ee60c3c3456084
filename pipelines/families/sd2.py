"""Stable Diffusion 2.x: one OpenCLIP ViT-H/14 text encoder, the states before its last block.

The component configs leave that last block out (23 layers), so the states used are the last.
"""

from __future__ import annotations

from pipelines.library.header import Header
from pipelines.library.kinds import Family, Shape, TextEncoder
from pipelines.library.unet import original_shape
from pipelines.samplers import ALIGNED_SD1

CLIP_H = TextEncoder(
    component="text_encoder",
    prefix="cond_stage_model.model.",
    layout="open_clip",
    pad=0,
)


def shape_of(header: Header) -> Shape | None:
    """See `Family.shape_of`."""
    return original_shape(header, CLIP_H.prefix)


SD2 = Family(
    name="sd2",
    label="SD 2.x",
    encoders=(CLIP_H,),
    shape_of=shape_of,
    aligned=ALIGNED_SD1,
    said=("sd_v2", "stable-diffusion-v2", "sd 2", "sd2", "sd-v2"),
)
