"""How wide the text is that a file was made for, by the shapes of its tensors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from pipelines.library.header import Header
from pipelines.library.kinds import Role, Variant

_READS_TEXT = re.compile(r"attn2[._](?:processor[._])?to_[kv](?:_lora)?(?=\.)|to_[kv]_ip(?=\.)")
"""A projection whose inputs are the text."""

_WITHIN_ENCODER = re.compile(
    r"layers[._]\d+[._](?:self_attn[._](?:(?P<square>(?:to_)?(?:q|k|v|out)(?:_proj)?(?:_lora)?))"
    r"|mlp[._]fc1)(?=\.)"
)
"""A projection in a text encoder whose inputs are as wide as the text that comes out; so are the
outputs of the `square` ones."""

UNET_BLOCK = re.compile(r"(?:down|up|mid|input|output|middle)_block")

SECOND_ENCODER = ("lora_te2_", "text_encoder_2.")
ENCODERS_OF_SEVERAL = ("lora_te1_", *SECOND_ENCODER)
"""Beginnings that only files for a model with several text encoders have."""

_LARGEST = 1 << 20


def text_width(role: Role, header: Header, variants: Sequence[Variant]) -> int | None:
    """Width of the text that a file of this role was made for; None: any, or unknown."""
    measure = _MEASURES.get(role)
    width = measure(header, variants) if measure is not None else None
    return width if width is not None and 0 < width < _LARGEST else None


def reads_text(header: Header) -> bool:
    """Whether any of its tensors changes how a UNet reads the text."""
    return _projection(header) is not None


def _lora(header: Header, variants: Sequence[Variant]) -> int | None:
    width = _projection(header)
    if width is not None:
        return width
    first = _encoder(header, lambda name: not name.startswith(SECOND_ENCODER))
    second = _encoder(header, lambda name: name.startswith(SECOND_ENCODER))
    if not header.has(*ENCODERS_OF_SEVERAL):
        return first
    return first + second if first is not None and second is not None else None


def _projection(header: Header, _: Sequence[Variant] = ()) -> int | None:
    """Inputs of the first projection that reads the text, in whatever form its change is kept."""
    for name in header.tensors:
        match = _READS_TEXT.search(name)
        if match is not None and ("_ip" in match[0] or UNET_BLOCK.search(name)):
            width = _inputs(header, name[: match.end()])
            if width is not None:
                return width
    return None


def _encoder(header: Header, is_its_own: Callable[[str], bool]) -> int | None:
    """Width of the states of a text encoder, by the first change to it that tells."""
    for name in header.tensors:
        match = _WITHIN_ENCODER.search(name)
        if match is not None and is_its_own(name):
            module = name[: match.end()]
            width = _inputs(header, module)
            if width is None and match["square"]:
                width = _outputs(header, module)
            if width is not None:
                return width
    return None


def _inputs(header: Header, module: str) -> int | None:
    """Inputs of a linear layer: its weight is (outputs, inputs), a product of smaller ones.

    LoKr (Yeh et al. 2023) is a Kronecker product; GLoRA (Chavan et al. 2023) keeps a change of
    the inputs, of which one side is its rank.
    """

    def second(*names: str) -> int | None:
        shapes = (header.shape(f"{module}.{name}") for name in names)
        return next((shape[1] for shape in shapes if shape and len(shape) >= 2), None)

    small, large = second("lokr_w1", "lokr_w1_b"), second("lokr_w2", "lokr_w2_b")
    if small is not None and large is not None:
        return small * large
    generalised = header.shape(f"{module}.a1.weight")
    if generalised is not None:
        return max(generalised, default=None)
    if f"{module}.on_input" in header.tensors:
        return None
    return second(
        "lora_down.weight", "lora_A.weight", "lora.down.weight", "lora_linear_layer.down.weight",
        "down.weight", "down", "hada_w1_b", "diff", "weight",
    )  # fmt: skip


def _outputs(header: Header, module: str) -> int | None:
    """Outputs of a linear layer of which only these are changed: by OFT (Qiu et al. 2023), whose
    square blocks cover them, or by IA3 (Liu et al. 2022), a factor for each."""
    blocks = header.shape(f"{module}.oft_blocks")
    if blocks is not None:
        return blocks[-3] * blocks[-2] if len(blocks) >= 3 else None
    factors = header.shape(f"{module}.weight")
    return max(factors, default=None) if factors is not None else None


def _embedding(header: Header, _: Sequence[Variant]) -> int | None:
    """Length of a token's vector; of SDXL, in both encoders together."""
    first, second = header.shape("clip_l"), header.shape("clip_g")
    if second is not None:
        return first[-1] + second[-1] if first and second else None
    return next((info.shape[-1] for info in header.tensors.values() if info.shape), None)


def _hypernetwork(header: Header, variants: Sequence[Variant]) -> int | None:
    """The one of its sizes that is a text's; the others are those of self-attention.

    Nobody makes them for a refiner, whose text is as wide as a layer of other UNets.
    """
    sizes = {name.partition(".")[0] for name in header.tensors}
    texts = {variant.context_dim for variant in variants if variant.task != "refine"}
    found = [width for width in texts if str(width) in sizes]
    return found[0] if len(found) == 1 else None


_MEASURES: Mapping[Role, Callable[[Header, Sequence[Variant]], int | None]] = {
    "lora": _lora,
    "controlnet": _projection,
    "ip_adapter": _projection,
    "unet": _projection,
    "embedding": _embedding,
    "hypernetwork": _hypernetwork,
}
