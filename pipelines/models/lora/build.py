"""From the tensors that a file has for one module to the changes of its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor

from pipelines.models.lora.change import Change
from pipelines.models.lora.factors import Full, Hadamard, Kronecker, Matrix, Product, Tucker
from pipelines.models.lora.kinds import Added, Decomposed, Generalised, Rotated, Scaled

_HADA = ("hada_w1_a", "hada_w1_b", "hada_t1", "hada_w2_a", "hada_w2_b", "hada_t2")
_LOKR = ("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2")
_ENDS = {
    "up": ("lora_up.weight", "lora.up.weight", "lora_linear_layer.up.weight",
           "lora_B.weight", "lora_B.default.weight"),
    "down": ("lora_down.weight", "lora.down.weight", "lora_linear_layer.down.weight",
             "lora_A.weight", "lora_A.default.weight"),
    "mid": ("lora_mid.weight",),
    "up_bias": ("lora_B.bias",),
    "length": ("dora_scale",),
    "output_length": ("lora_magnitude_vector", "lora_magnitude_vector.weight"),
    "whole": ("diff", "w_norm"),
    "whole_bias": ("diff_b", "b_norm"),
    "blocks": ("oft_blocks",),
    "factors": ("weight",),
    **{part: (f"{part}.weight",) for part in ("a1", "a2", "b1", "b2", "bm")},
    **{part: (part,) for part in ("alpha", "rescale", "on_input", *_HADA, *_LOKR)},
}  # fmt: skip
PARTS = {end: part for part, ends in _ENDS.items() for end in ends}
"""The ends of names in files, and what they are called here."""

Parts = dict[str, Tensor]
Scale = Callable[[int | None], float]
"""From the rank of a change to what it is to be multiplied with."""


def changes_of(parts: Parts, alpha: float | None, scale: Scale) -> Iterator[tuple[str, Change]]:
    """The changes of a module's "weight" and "bias".

    Takes from `parts` what it understands, and leaves the rest: parts of kinds that are not
    supported, such as BOFT, sparse biases (`bias_values`) or embeddings of peft. Raises
    LookupError where a part is missing, ValueError where parts do not fit each other.
    """
    change = _change_of_weight(parts, alpha, scale)
    if isinstance(change, Added) and "up_bias" in parts:
        yield "bias", Added(Full(parts.pop("up_bias")), change.scale)
    if "whole_bias" in parts:
        yield "bias", Added(Full(parts.pop("whole_bias")))
    if isinstance(change, Added) and "length" in parts:
        change = Decomposed(change, parts.pop("length"))
    elif isinstance(change, Added) and "output_length" in parts:
        change = Decomposed(change, parts.pop("output_length").flatten())
    if change is not None:
        yield "weight", change


def _change_of_weight(parts: Parts, alpha: float | None, scale: Scale) -> Change | None:
    for marks, matrix_of in _MATRICES.items():
        if not parts.keys().isdisjoint(marks):
            matrix = matrix_of(parts)
            return Added(matrix, scale(matrix.rank))
    if "a1" in parts:
        return _generalised(parts, scale)
    if "blocks" in parts and parts["blocks"].ndim == 3:  # BOFT, which is not supported, has four.
        return Rotated(parts.pop("blocks"), alpha or 0.0, parts.pop("rescale", None))
    if "on_input" in parts:
        return Scaled(parts.pop("factors"), on_input=bool(parts.pop("on_input")))
    return None


def _low_rank(parts: Parts) -> Matrix:
    up, down = parts.pop("up"), parts.pop("down")
    return _convolved(parts.pop("mid", None), up, down)


def _convolved(core: Tensor | None, up: Tensor, down: Tensor) -> Matrix:
    return Product(up, down) if core is None else Tucker(core, up.flatten(1).T, down)


def _loha(parts: Parts) -> Matrix:
    return Hadamard(_factored(parts, "hada_w1", "hada_t1"), _factored(parts, "hada_w2", "hada_t2"))


def _lokr(parts: Parts) -> Matrix:
    first, second = (
        Full(parts.pop(name)) if name in parts else _factored(parts, name, core)
        for name, core in (("lokr_w1", "lokr_t1"), ("lokr_w2", "lokr_t2"))
    )
    return Kronecker(first, second)


def _factored(parts: Parts, name: str, core: str) -> Matrix:
    left, right = parts.pop(f"{name}_a"), parts.pop(f"{name}_b")
    return Tucker(parts.pop(core), left, right) if core in parts else Product(left, right)


def _generalised(parts: Parts, scale: Scale) -> Change:
    a1, a2, b1, b2 = (parts.pop(name) for name in ("a1", "a2", "b1", "b2"))
    if b1.shape[0] < b1.shape[1]:  # LyCORIS named the factors the other way round until 2024.
        a1, a2, b1, b2 = a2, a1, b2, b1
    beside = _convolved(parts.pop("bm", None), b1, b2)
    return Generalised(Product(a1, a2), beside, scale(beside.rank))


_MATRICES: dict[tuple[str, ...], Callable[[Parts], Matrix]] = {
    ("up", "down", "mid"): _low_rank,
    _HADA: _loha,
    _LOKR: _lokr,
    ("whole",): lambda parts: Full(parts.pop("whole")),
}
"""The matrix that is added, by the parts that call for it."""


def peft_scale(settings: Mapping[str, Any], component: str, module: str, rank: int) -> float:
    """What a change without an alpha of its own is multiplied with: alpha / rank by what diffusers
    writes of peft's settings into the header, alpha / sqrt(rank) with `use_rslora`
    (Kalajdzievski 2023); 1 where nothing is said.

    Raises ValueError where the settings are not as peft has them.
    """
    found = settings.get("lora_adapter_metadata") or {}
    try:
        alpha = found.get(f"{component}.lora_alpha")
        for name, own in (found.get(f"{component}.alpha_pattern") or {}).items():
            if f".{module}".endswith(f".{name}"):
                alpha = own
        if alpha is None:
            return 1.0
        scale = alpha / (math.sqrt(rank) if found.get(f"{component}.use_rslora") else rank)
    except (AttributeError, TypeError, OverflowError) as error:
        raise ValueError("not the settings of peft") from error
    if not math.isfinite(scale):
        raise ValueError("not a number")
    return scale
