"""The kinds of change, and their formulas.

W is the weight of the checkpoint, W' what training made of it; what a change adds is W' - W, and
strength multiplies that.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor

from pipelines.models.lora.change import Change
from pipelines.models.lora.factors import Matrix, Product


class Added(Change):
    """W' = W + scale * M. With M a product of two matrices this is LoRA (Hu et al. 2021), and
    LoCon where W is a convolution; `pipelines.models.lora.factors` has the others."""

    def __init__(self, matrix: Matrix, scale: float = 1.0) -> None:
        self.matrix = matrix
        self.scale = scale

    def fits(self, shape: tuple[int, ...]) -> bool:
        return (self.matrix.rows, self.matrix.columns) == (shape[0], math.prod(shape[1:]))

    def delta(self, weight: Tensor) -> Tensor:
        return (self.matrix.value(weight.device) * self.scale).view(weight.shape)

    def add_to(self, total: Tensor, original: Tensor, strength: float) -> None:
        matrix = self.matrix
        matrix.add_to(total.view(matrix.rows, matrix.columns), strength * self.scale)


class Decomposed(Change):
    """DoRA (Liu et al. 2024): another change gives the direction, a vector the length.
    W' = m * (W + D) / |W + D|.

    m has a length for each output (axis 0), over which the others are the norm's; peft writes it
    so, and LyCORIS where it says `wd_on_output`. Else LyCORIS and kohya's scripts write one
    for each input (axis 1), m [1, in, ...].
    """

    reads_weight: ClassVar[bool] = True

    def __init__(self, direction: Added, length: Tensor) -> None:
        self._direction = direction
        self._axis = int(length.ndim > 1 and length.shape[0] == 1)
        self._length = length.flatten()

    def fits(self, shape: tuple[int, ...]) -> bool:
        axis = self._axis
        return (
            self._direction.fits(shape) and axis < len(shape) and len(self._length) == shape[axis]
        )

    def delta(self, weight: Tensor) -> Tensor:
        changed = self._direction.delta(weight).add_(weight)
        others = [axis for axis in range(weight.ndim) if axis != self._axis]
        norm = torch.linalg.vector_norm(changed, dim=others, keepdim=True)
        norm += torch.finfo(norm.dtype).eps
        length = _along(self._length, self._axis, weight)
        return changed.mul_(length / norm).sub_(weight)


class Scaled(Change):
    """IA3 (Liu et al. 2022): W' = W * (1 + v), with an element of v for each output, or for each
    input."""

    reads_weight: ClassVar[bool] = True

    def __init__(self, factors: Tensor, on_input: bool) -> None:
        self._factors = factors.flatten()
        self._axis = int(on_input)

    def fits(self, shape: tuple[int, ...]) -> bool:
        return self._axis < len(shape) and len(self._factors) == shape[self._axis]

    def delta(self, weight: Tensor) -> Tensor:
        return weight * _along(self._factors, self._axis, weight)


class Generalised(Change):
    """GLoRA (Chavan et al. 2023, as LyCORIS has it): W' = W + scale * (W A + B), A of low rank
    [in, in]."""

    reads_weight: ClassVar[bool] = True

    def __init__(self, within: Product, beside: Matrix, scale: float) -> None:
        self._within = within
        self._beside = Added(beside, scale)
        self._scale = scale

    def fits(self, shape: tuple[int, ...]) -> bool:
        return (
            len(shape) > 1
            and self._within.rows == self._within.columns == shape[1]
            and self._beside.fits(shape)
        )

    def delta(self, weight: Tensor) -> Tensor:
        within = weight.movedim(1, -1) @ self._within.value(weight.device)
        return self._beside.delta(weight).add_(within.movedim(-1, 1), alpha=self._scale)


class Rotated(Change):
    """OFT (Qiu et al. 2023): W' = v * R W. R turns the outputs in blocks [blocks, n, n], each by
    Cayley's transform of a skew-symmetric Q, R = (I + Q)(I - Q)^-1, whose norm over all blocks
    `limit` times the outputs bounds (0: it does not). As kohya's scripts and LyCORIS write it,
    the blocks hold R's transpose."""

    reads_weight: ClassVar[bool] = True

    def __init__(self, blocks: Tensor, limit: float, factors: Tensor | None) -> None:
        if blocks.ndim != 3 or blocks.shape[1] != blocks.shape[2]:
            raise ValueError("not blocks of rotations")
        self._blocks = blocks
        self._outputs = blocks.shape[0] * blocks.shape[1]
        self._limit = limit * self._outputs
        self._factors = factors.flatten() if factors is not None else None

    def fits(self, shape: tuple[int, ...]) -> bool:
        scaled = self._factors is None or len(self._factors) == shape[0]
        return self._outputs == shape[0] and scaled

    def delta(self, weight: Tensor) -> Tensor:
        blocks = self._blocks.to(weight)
        skew = blocks - blocks.mT
        if self._limit > 0:
            skew *= self._limit / torch.linalg.vector_norm(skew).clamp(min=self._limit)
        identity = torch.eye(blocks.shape[1]).to(weight)
        rotation = torch.linalg.solve(identity - skew, identity + skew)
        turned = rotation.mT @ weight.reshape(blocks.shape[0], blocks.shape[1], -1)
        turned = turned.view(weight.shape)
        if self._factors is not None:
            turned *= _along(self._factors, 0, weight)
        return turned.sub_(weight)


def _along(vector: Tensor, axis: int, weight: Tensor) -> Tensor:
    """A vector that is multiplied with a weight along one of its axes."""
    shape = [1] * weight.ndim
    shape[axis] = -1
    return vector.to(weight).view(shape)
