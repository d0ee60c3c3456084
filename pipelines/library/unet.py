"""What the names and shapes of a UNet's tensors tell about it."""

from __future__ import annotations

from pipelines.library.header import Header
from pipelines.library.kinds import Shape

UNET = "model.diffusion_model."
"""Where an original single file keeps its UNet."""

VAE = "first_stage_model."
"""And its VAE."""

FIRST_LAYER = UNET + "input_blocks.0.0.weight"
SIZE_EMBEDDING = UNET + "label_emb.0.0.weight"


def original_shape(header: Header, *encoders: str, size_embedding: bool = False) -> Shape | None:
    """Shape of the UNet in an original single file that has these text encoders (prefixes) and
    does or does not embed sizes; None for any other file."""
    first = header.shape(FIRST_LAYER)
    if first is None or len(first) != 4 or (SIZE_EMBEDDING in header.tensors) != size_embedding:
        return None
    if not all(header.has(prefix) for prefix in encoders):
        return None
    context = context_dim(header)
    return Shape(context, first[1], first[0]) if context else None


def context_dim(header: Header) -> int | None:
    """Width of the text that cross-attention reads: the inputs of its first key projection."""
    for name, info in header.tensors.items():
        if name.endswith("attn2.to_k.weight") and len(info.shape) == 2:
            return info.shape[1]
    return None
