"""Which family a LoRA, ControlNet, adapter or embedding belongs to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from pipelines.library.header import Header
from pipelines.library.kinds import Family, Role, Variant

_READS_TEXT = re.compile(r"(.*(?:attn2[._](?:processor\.)?to_k(?:_lora)?|to_k_ip))\..+")
"""A projection whose inputs are the text."""

_WITHIN_ENCODER = re.compile(r"(.*layers[._]0[._](?:self_attn[._]q_proj|mlp[._]fc1))\..+")
"""A projection within a text encoder whose inputs are as wide as the text that comes out."""

_ONLY_SDXL = (
    "lora_te2_",
    "text_encoder_2.",
    "lora_unet_label_emb",
    "lora_unet_add_embedding",
    "label_emb.",
    "unet.add_embedding",
)
_OTHER_FAMILIES = re.compile("double_blocks|single_blocks|joint_blocks|single_transformer_blocks")
"""Parts of Flux, SD 3 and their kin, some of which share an encoder with SDXL."""

_T2I_INPUTS = {192: "sd1", 768: "sdxl"}
"""Channels of a picture after the adapter's pixel unshuffle: 3 x 8 x 8, 3 x 16 x 16."""


def family_of(
    role: Role, header: Header, families: Sequence[Family], variants: Sequence[Variant]
) -> str | None:
    """Name of the family that a file which is no checkpoint works with; None: any, or unknown.

    By the width of the text it was made to read, as far as one family alone has that width;
    then by what its metadata says.
    """
    by_width = _families_by_width(variants)
    if any(map(_OTHER_FAMILIES.search, header.tensors)):
        return None
    if role == "lora" and header.has(*_ONLY_SDXL):
        return "sdxl"
    if role == "embedding" and "clip_g" in header.tensors:
        return "sdxl"
    if role == "t2i_adapter":
        first = header.shape("conv_in.weight") or header.shape("adapter.conv_in.weight")
        return _T2I_INPUTS.get(first[1]) if first and len(first) == 4 else None
    width = _WIDTHS[role](header) if role in _WIDTHS else None
    found = by_width.get(width) if width is not None else None
    return found or stated_family(_statements(header), families)


def stated_family(statements: Iterable[str], families: Sequence[Family]) -> str | None:
    """The family these words of a trainer or model site mean."""
    for statement in statements:
        text = statement.lower()
        matches = [
            (len(start), family.name)
            for family in families
            for start in family.said
            if text.startswith(start)
        ]
        if matches:
            return max(matches)[1]
    return None


def _statements(header: Header) -> tuple[str, ...]:
    keys = ("modelspec.architecture", "ss_base_model_version")
    return tuple(header.metadata.get(key, "") for key in keys)


def _families_by_width(variants: Sequence[Variant]) -> Mapping[int, str | None]:
    found: dict[int, str | None] = {}
    for variant in variants:
        known = found.setdefault(variant.context_dim, variant.family)
        if known != variant.family:
            found[variant.context_dim] = None
    return found


def _projection_width(header: Header) -> int | None:
    """Inputs of the first projection that reads the text, in whatever form its change is kept."""
    for pattern in (_READS_TEXT, _WITHIN_ENCODER):
        for name in header.tensors:
            match = pattern.fullmatch(name)
            width = _inputs(header, match[1]) if match is not None else None
            if width is not None:
                return width
    return None


def _inputs(header: Header, module: str) -> int | None:
    """Inputs of a linear layer: its weight is (outputs, inputs), a product of smaller ones."""

    def second(*names: str) -> int | None:
        shapes = (header.shape(f"{module}.{name}") for name in names)
        return next((shape[1] for shape in shapes if shape and len(shape) >= 2), None)

    small, large = second("lokr_w1", "lokr_w1_b"), second("lokr_w2", "lokr_w2_b")
    if small is not None and large is not None:
        return small * large
    return second(
        "lora_down.weight", "lora_A.weight", "lora.down.weight", "down.weight", "down",
        "hada_w1_b", "diff", "weight",
    )  # fmt: skip


def _embedding_width(header: Header) -> int | None:
    """Length of a token's vector."""
    return next((info.shape[-1] for info in header.tensors.values() if info.shape), None)


_WIDTHS: Mapping[str, Callable[[Header], int | None]] = {
    "lora": _projection_width,
    "controlnet": _projection_width,
    "ip_adapter": _projection_width,
    "unet": _projection_width,
    "embedding": _embedding_width,
}
