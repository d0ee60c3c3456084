"""What a file that is no checkpoint was made for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from pipelines.library.header import Header
from pipelines.library.kinds import Family, Role, Variant
from pipelines.library.widths import (
    ENCODERS_OF_SEVERAL,
    SECOND_ENCODER,
    UNET_BLOCK,
    reads_text,
    text_width,
)

_ONLY_SDXL = (
    *SECOND_ENCODER,
    "lora_unet_label_emb",
    "lora_unet_add_embedding",
    "label_emb.",
    "unet.add_embedding",
)
_OTHER_ARCHITECTURES = (
    "double_blocks",
    "single_blocks",
    "joint_blocks",
    "single_transformer_blocks",
    "\nlora_te3_",
    "\ntext_encoder_3.",
    "\nlora_prior_",
    "\nlora_transformer_",
    "\ntransformer.",
    "\ndiffusion_model.blocks.",
    "\ndiffusion_model.layers.",
    "\ndiffusion_model.transformer_blocks.",
)
"""In names of parts of Flux, SD 3 and their kin, some of which share an encoder with SDXL; after a
line's end, how they begin."""

_DEEP = re.compile(r"transformer_blocks[._][4-9][._]")
"""Transformers within a UNet are ten blocks deep in SDXL alone, four in its refiner."""

_OUTERMOST = re.compile(
    r"(?:down_blocks[._]0|up_blocks[._]3)[._]attentions[._]|input_blocks[._][12][._]1[._]"
    r"|output_blocks[._](?:9|10|11)[._]1[._]"
)
"""Attention at full resolution, which SDXL has not."""

_PROJECTS_IN = re.compile(r"proj_in\.(?:lora_down|lora_A|lora\.down)\.weight$")
"""A convolution in SD 1.x, a linear layer in SD 2.x."""

_T2I_INPUTS = {192: "sd1", 768: "sdxl"}
"""Channels of a picture after the adapter's pixel unshuffle: 3 x 8 x 8, 3 x 16 x 16."""

_VAE_STARTS = ("", "first_stage_model.", "vae.")


class MadeFor(NamedTuple):
    """A family by name, and the width of its text (of a VAE, the channels of its decoder's first
    layer); None: any, or unknown."""

    family: str | None
    width: int | None


def made_for(
    role: Role, header: Header, families: Sequence[Family], variants: Sequence[Variant]
) -> MadeFor:
    """What a file of this role works with.

    By the width of the text it was made to read, as far as one family alone has that width;
    then by what its metadata says; then by which parts of a UNet it names.
    """
    if role == "vae":
        shape = vae_shape(header)
        return MadeFor(stated_family(_statements(header), families), shape and shape[1])
    if role == "t2i_adapter":
        return MadeFor(_t2i_family(header), None)
    if is_of_another_architecture(header):
        return MadeFor(None, None)
    width = text_width(role, header, variants)
    stated = stated_family(_statements(header), families)
    if role in ("lora", "embedding"):
        if header.has(*_ONLY_SDXL) or "clip_g" in header.tensors:
            return MadeFor("sdxl", width)
        if role == "lora" and not reads_text(header):
            return MadeFor(stated or _lora_family(header, width, variants), width)
    return MadeFor(_families_by_width(variants).get(width or 0) or stated, width)


def is_of_another_architecture(header: Header) -> bool:
    """Whether it is for something else than a UNet that reads the text of a CLIP."""
    # One text for all names: of ten thousand LoRAs with a thousand names, each is looked at.
    names = "\n" + "\n".join(header.tensors)
    return any(part in names for part in _OTHER_ARCHITECTURES)


def vae_shape(header: Header) -> tuple[int, int] | None:
    """Channels of a VAE's latents, and of its decoder's first layer."""
    for start in _VAE_STARTS:
        shape = header.shape(f"{start}decoder.conv_in.weight")
        if shape is not None and len(shape) == 4:
            return shape[1], shape[0]
    return None


def stated_family(statements: Iterable[str], families: Sequence[Family]) -> str | None:
    """The family these words of a trainer or model site mean."""
    for statement in statements:
        text = statement.lower()
        found = _longest(families, lambda said, text=text: text.startswith(said))
        if found is not None:
            return found
    return None


def named_family(name: str, families: Sequence[Family]) -> str | None:
    """The family that a file's name speaks of, if it does: "sdxl_vae", "vae-ft-mse-840000"."""
    text = name.lower()
    return _longest(families, lambda said: re.search(rf"(?<![a-z0-9]){re.escape(said)}", text))


def _longest(families: Sequence[Family], speaks: Callable[[str], object]) -> str | None:
    matches = [(len(said), f.name) for f in families for said in f.said if speaks(said)]
    return max(matches)[1] if matches else None


def _statements(header: Header) -> tuple[str, ...]:
    said = header.metadata
    second = "sd_v2" if said.get("ss_v2", "").lower() == "true" else ""
    return said.get("modelspec.architecture", ""), said.get("ss_base_model_version", ""), second


def _families_by_width(variants: Sequence[Variant]) -> Mapping[int, str | None]:
    found: dict[int, str | None] = {}
    for variant in variants:
        known = found.setdefault(variant.context_dim, variant.family)
        if known != variant.family:
            found[variant.context_dim] = None
    return found


def _lora_family(header: Header, width: int | None, variants: Sequence[Variant]) -> str | None:
    """Family of a LoRA that leaves alone how the text is read: by its text encoder, if it changes
    that, else by the parts of the UNet."""
    if width is not None:
        return _families_by_width(variants).get(width)
    if header.has(*ENCODERS_OF_SEVERAL) and not any(_statements(header)):
        return "sdxl"
    names = [name for name in header.tensors if UNET_BLOCK.search(name)]
    if any(map(_DEEP.search, names)):
        return "sdxl"
    if any(map(_OUTERMOST.search, names)):
        found = next(filter(_PROJECTS_IN.search, names), "")
        return {4: "sd1", 2: "sd2"}.get(len(header.shape(found) or ()))
    return None


def _t2i_family(header: Header) -> str | None:
    first = header.shape("conv_in.weight") or header.shape("adapter.conv_in.weight")
    return _T2I_INPUTS.get(first[1]) if first and len(first) == 4 else None
