"""Random changes of every kind: the tensors a file has, and what they mean.

The meaning is worked out in float64, on whole weights of four dimensions, written another way
than in the product: the formulas of the papers as sums over indices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

RANK = 4
ALPHA = 2.5


class Example(NamedTuple):
    """Tensors by the ends of their names, and the changed weight, float64, from the original."""

    parts: dict[str, Tensor]
    changed: Callable[[Tensor], Tensor]


class Dice:
    """Random tensors that are the same each time."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self._generator) * 0.3


def alpha(value: float = ALPHA) -> Tensor:
    return torch.tensor(value)


def whole(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A weight's shape as a convolution's."""
    return (*shape, *[1] * (4 - len(shape)))  # type: ignore[return-value]


def added(scale: float, *terms: Tensor | str) -> Callable[[Tensor], Tensor]:
    """W + scale * einsum(formula, factors), the formula first."""
    formula, *factors = terms
    assert isinstance(formula, str)
    delta = scale * torch.einsum(formula, *[each.double() for each in factors])  # type: ignore
    return lambda weight: weight + delta.reshape(weight.shape)


def is_convolution(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4


def lora(shape: tuple[int, ...], dice: Dice) -> Example:
    """LoRA, and LoCon where it is a convolution."""
    out, inner, height, width = whole(shape)
    up, down = dice(out, RANK, 1, 1), dice(RANK, inner, height, width)
    flat = (lambda t: t) if is_convolution(shape) else (lambda t: t.flatten(1))
    parts = {"lora_up.weight": flat(up), "lora_down.weight": flat(down), "alpha": alpha()}
    return Example(parts, added(ALPHA / RANK, "oruv,rihw->oihw", up, down))


def lora_without_alpha(shape: tuple[int, ...], dice: Dice) -> Example:
    parts, _ = lora(shape, dice)
    parts.pop("alpha")
    out, inner, height, width = whole(shape)
    up = parts["lora_up.weight"].reshape(out, RANK)
    down = parts["lora_down.weight"].reshape(RANK, inner, height, width)
    return Example(parts, added(1.0, "or,rihw->oihw", up, down))


def locon_tucker(shape: tuple[int, ...], dice: Dice) -> Example:
    out, inner, height, width = whole(shape)
    up, core = dice(out, RANK, 1, 1), dice(RANK, RANK, height, width)
    down = dice(RANK, inner, 1, 1)
    parts = {"lora_up.weight": up, "lora_mid.weight": core, "lora_down.weight": down}
    formula = added(ALPHA / RANK, "oauv,abhw,bixy->oihw", up, core, down)
    return Example({**parts, "alpha": alpha()}, formula)


def loha(shape: tuple[int, ...], dice: Dice) -> Example:
    out, inner, height, width = whole(shape)
    a1, b1, a2, b2 = (dice(*size) for size in [(out, RANK), (RANK, inner * height * width)] * 2)
    parts = {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2}
    formula = added(ALPHA / RANK, "or,ri,os,si->oi", a1, b1, a2, b2)
    return Example({**parts, "alpha": alpha()}, formula)


def loha_tucker(shape: tuple[int, ...], dice: Dice) -> Example:
    out, inner, height, width = whole(shape)
    a1, b1, t1, a2, b2, t2 = (
        dice(*size) for size in [(RANK, out), (RANK, inner), (RANK, RANK, height, width)] * 2
    )
    parts = {
        **{"hada_w1_a": a1, "hada_w1_b": b1, "hada_t1": t1},
        **{"hada_w2_a": a2, "hada_w2_b": b2, "hada_t2": t2},
    }
    formula = "ro,si,rshw,po,qi,pqhw->oihw"
    return Example(
        {**parts, "alpha": alpha()}, added(ALPHA / RANK, formula, a1, b1, t1, a2, b2, t2)
    )


def small_and_large(size: int) -> tuple[int, int]:
    small = next(d for d in range(math.isqrt(size), 0, -1) if size % d == 0)
    return small, size // small


def kronecker(scale: float, first: Tensor, second: Tensor) -> Callable[[Tensor], Tensor]:
    """W + scale * first (x) second, by indices: out = o p, in = i j."""

    def changed(weight: Tensor) -> Tensor:
        delta = torch.einsum("oi,pjhw->opijhw", first.double(), second.double())
        return weight + scale * delta.reshape(weight.shape)

    return changed


def lokr_whole(shape: tuple[int, ...], dice: Dice) -> Example:
    """Both factors whole: their alpha means nothing."""
    out, inner, height, width = whole(shape)
    (o1, o2), (i1, i2) = small_and_large(out), small_and_large(inner)
    first, second = dice(o1, i1), dice(o2, i2, height, width)
    kept = second if is_convolution(shape) else second.flatten(1)
    parts = {"lokr_w1": first, "lokr_w2": kept, "alpha": alpha()}
    return Example(parts, kronecker(1.0, first, second))


def lokr_second_factored(shape: tuple[int, ...], dice: Dice) -> Example:
    out, inner, height, width = whole(shape)
    (o1, o2), (i1, i2) = small_and_large(out), small_and_large(inner)
    first, a, b = dice(o1, i1), dice(o2, RANK), dice(RANK, i2 * height * width)
    parts = {"lokr_w1": first, "lokr_w2_a": a, "lokr_w2_b": b, "alpha": alpha()}
    second = torch.einsum("pr,rjhw->pjhw", a.double(), b.double().view(RANK, i2, height, width))
    return Example(parts, kronecker(ALPHA / RANK, first, second))


def lokr_both_factored(shape: tuple[int, ...], dice: Dice) -> Example:
    parts, _ = lokr_second_factored(shape, dice)
    out, inner, height, width = whole(shape)
    (o1, _), (i1, i2) = small_and_large(out), small_and_large(inner)
    parts.pop("lokr_w1")
    c, d, a = dice(o1, RANK), dice(RANK, i1), parts["lokr_w2_a"]
    b = parts["lokr_w2_b"].view(RANK, i2, height, width)
    first = torch.einsum("or,ri->oi", c.double(), d.double())
    second = torch.einsum("pr,rjhw->pjhw", a.double(), b.double())
    parts |= {"lokr_w1_a": c, "lokr_w1_b": d}
    return Example(parts, kronecker(ALPHA / RANK, first, second))


def lokr_first_factored(shape: tuple[int, ...], dice: Dice) -> Example:
    parts, _ = lokr_whole(shape, dice)
    out, inner, height, width = whole(shape)
    (o1, o2), (i1, i2) = small_and_large(out), small_and_large(inner)
    second = parts["lokr_w2"].view(o2, i2, height, width)
    c, d = dice(o1, RANK), dice(RANK, i1)
    parts.pop("lokr_w1")
    first = torch.einsum("or,ri->oi", c.double(), d.double())
    return Example(parts | {"lokr_w1_a": c, "lokr_w1_b": d}, kronecker(ALPHA / RANK, first, second))


def lokr_tucker(shape: tuple[int, ...], dice: Dice) -> Example:
    out, inner, height, width = whole(shape)
    (o1, o2), (i1, i2) = small_and_large(out), small_and_large(inner)
    first, core = dice(o1, i1), dice(RANK, RANK, height, width)
    a, b = dice(RANK, o2), dice(RANK, i2)
    parts = {"lokr_w1": first, "lokr_t2": core, "lokr_w2_a": a, "lokr_w2_b": b, "alpha": alpha()}
    second = torch.einsum("rshw,rp,sj->pjhw", core.double(), a.double(), b.double())
    return Example(parts, kronecker(ALPHA / RANK, first, second))


def full(shape: tuple[int, ...], dice: Dice) -> Example:
    delta = dice(*shape)
    return Example({"diff": delta}, lambda weight: weight + delta.double())


def ia3_on_output(shape: tuple[int, ...], dice: Dice) -> Example:
    factors = dice(shape[0])
    kept = factors[None, :, None, None] if is_convolution(shape) else factors
    parts = {"weight": kept, "on_input": torch.tensor(0)}
    return Example(parts, lambda weight: torch.einsum("o,o...->o...", 1 + factors.double(), weight))


def ia3_on_input(shape: tuple[int, ...], dice: Dice) -> Example:
    factors = dice(shape[1])
    kept = factors[None, :, None, None] if is_convolution(shape) else factors
    parts = {"weight": kept, "on_input": torch.tensor(1)}
    return Example(
        parts, lambda weight: torch.einsum("i,oi...->oi...", 1 + factors.double(), weight)
    )


def _glora(shape: tuple[int, ...], dice: Dice) -> tuple[list[Tensor], Example]:
    out, inner, height, width = whole(shape)
    a1, a2 = dice(inner, RANK), dice(RANK, inner)
    b1, b2 = dice(out, RANK), dice(RANK, inner, height, width)

    def changed(weight: Tensor) -> Tensor:
        four = weight.reshape(whole(shape))
        within = torch.einsum("oihw,ir,rj->ojhw", four, a1.double(), a2.double())
        beside = torch.einsum("or,rihw->oihw", b1.double(), b2.double())
        return weight + ALPHA / RANK * (within + beside).reshape(weight.shape)

    return [a1, a2, b1, b2], Example({"alpha": alpha()}, changed)


def glora(shape: tuple[int, ...], dice: Dice) -> Example:
    (a1, a2, b1, b2), example = _glora(shape, dice)
    if is_convolution(shape):
        a1, a2, b1 = (each[:, :, None, None] for each in (a1, a2, b1))
    else:
        b2 = b2.flatten(1)
    parts = {"a1.weight": a1, "a2.weight": a2, "b1.weight": b1, "b2.weight": b2}
    return Example({**parts, **example.parts}, example.changed)


def glora_as_first_written(shape: tuple[int, ...], dice: Dice) -> Example:
    (a1, a2, b1, b2), example = _glora(shape, dice)
    parts = {"a1.weight": a2, "a2.weight": a1, "b1.weight": b2.flatten(1), "b2.weight": b1}
    return Example({**parts, **example.parts}, example.changed)


def oft(
    shape: tuple[int, ...], dice: Dice, *, limit: float = 0.0, rescaled: bool = False
) -> Example:
    count, size = small_and_large(shape[0])[::-1]
    blocks = dice(count, size, size)
    rescale = 1 + dice(shape[0], *[1] * (len(shape) - 1))
    parts = {"oft_blocks": blocks, "alpha": alpha(limit)}

    def changed(weight: Tensor) -> Tensor:
        skew = blocks.double() - blocks.double().transpose(1, 2)
        norm = skew.pow(2).sum().sqrt()
        if limit and norm > limit * shape[0]:
            skew = skew * (limit * shape[0] / norm)
        identity = torch.eye(size, dtype=torch.float64)
        turns = torch.stack([(identity + q) @ torch.linalg.inv(identity - q) for q in skew])
        split = weight.reshape(count, size, -1)
        turned = torch.einsum("knm,knp->kmp", turns, split).reshape(weight.shape)
        return turned * rescale.double() if rescaled else turned

    return Example({**parts, **({"rescale": rescale} if rescaled else {})}, changed)


def oft_limited(shape: tuple[int, ...], dice: Dice) -> Example:
    return oft(shape, dice, limit=0.01)


def oft_rescaled(shape: tuple[int, ...], dice: Dice) -> Example:
    return oft(shape, dice, rescaled=True)


def _dora(
    shape: tuple[int, ...], dice: Dice, axis: int, of: Callable[[tuple[int, ...], Dice], Example]
) -> tuple[Example, Tensor]:
    direction = of(shape, dice)
    size = [1] * len(shape)
    size[axis] = shape[axis]
    length = 1 + dice(*size)

    def changed(weight: Tensor) -> Tensor:
        rows = direction.changed(weight).movedim(axis, 0)
        rows = torch.stack([row / row.pow(2).sum().sqrt() for row in rows])
        return length.double() * rows.movedim(0, axis)

    return Example(direction.parts, changed), length


def dora_by_input(shape: tuple[int, ...], dice: Dice) -> Example:
    example, length = _dora(shape, dice, 1, lora)
    return Example({**example.parts, "dora_scale": length}, example.changed)


def dora_by_output(shape: tuple[int, ...], dice: Dice) -> Example:
    example, length = _dora(shape, dice, 0, lora)
    return Example({**example.parts, "dora_scale": length}, example.changed)


def dora_of_loha(shape: tuple[int, ...], dice: Dice) -> Example:
    example, length = _dora(shape, dice, 1, loha)
    return Example({**example.parts, "dora_scale": length}, example.changed)


def dora_of_lokr(shape: tuple[int, ...], dice: Dice) -> Example:
    example, length = _dora(shape, dice, 0, lokr_second_factored)
    return Example({**example.parts, "dora_scale": length}, example.changed)


LINEAR = (
    lora, lora_without_alpha, loha, lokr_whole, lokr_first_factored, lokr_second_factored,
    lokr_both_factored, full, ia3_on_output, ia3_on_input, glora, glora_as_first_written,
    oft, oft_limited, oft_rescaled, dora_by_input, dora_by_output, dora_of_loha, dora_of_lokr,
)  # fmt: skip
"""Kinds for a linear layer, and for a convolution as well but for the old GLoRA."""

CONVOLUTION = (locon_tucker, loha_tucker, lokr_tucker)
"""Kinds for a convolution alone."""
