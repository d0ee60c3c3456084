"""Matrices kept as factors, as they lie in the file.

The weight of a convolution [out, in, height, width] is the matrix [out, in * height * width], a
bias is a column. What does not fit together raises ValueError.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Matrix(ABC):
    """A matrix [rows, columns] and how it is made; `rank` is None where it is not of low rank."""

    rows: int
    columns: int
    rank: int | None = None

    @abstractmethod
    def value(self, device: torch.device) -> Tensor:
        """The matrix itself: float32 [rows, columns]. Not to be written to."""

    def add_to(self, total: Tensor, factor: float) -> None:
        """Add `factor` times the matrix to `total`, float32 [rows, columns], in place."""
        total.add_(self.value(total.device), alpha=factor)


class Full(Matrix):
    """A matrix kept whole."""

    def __init__(self, whole: Tensor) -> None:
        self._whole = _flat(whole)
        self.rows, self.columns = self._whole.shape

    def value(self, device: torch.device) -> Tensor:
        return _ready(self._whole, device)


class Product(Matrix):
    """left [rows, rank] times right [rank, columns] (LoRA: Hu et al. 2021)."""

    def __init__(self, left: Tensor, right: Tensor) -> None:
        self._left, self._right = _flat(left), _flat(right)
        _require(self._left.shape[1] == self._right.shape[0])
        self.rows, self.rank = self._left.shape
        self.columns = self._right.shape[1]

    def value(self, device: torch.device) -> Tensor:
        return _ready(self._left, device) @ _ready(self._right, device)

    def add_to(self, total: Tensor, factor: float) -> None:
        device = total.device
        total.addmm_(_ready(self._left, device), _ready(self._right, device), alpha=factor)


class Tucker(Matrix):
    """A convolution that is small in the middle: core [rank, rank', height, width], left
    [rank, out], right [rank', in] (Tucker 1966; in LoRAs: LyCORIS, Yeh et al. 2023)."""

    def __init__(self, core: Tensor, left: Tensor, right: Tensor) -> None:
        self._core, self._left, self._right = core, _flat(left), _flat(right)
        _require(core.ndim == 4)
        _require(core.shape[:2] == (self._left.shape[0], self._right.shape[0]))
        self.rank = core.shape[0]
        self.rows = self._left.shape[1]
        self.columns = self._right.shape[1] * math.prod(core.shape[2:])

    def value(self, device: torch.device) -> Tensor:
        core, left, right = (_ready(each, device) for each in (self._core, self._left, self._right))
        narrow = torch.einsum("abhw,bi->aihw", core, right)
        return left.T @ narrow.flatten(1)


class Hadamard(Matrix):
    """Two matrices multiplied element by element (LoHa: Hyeon-Woo et al. 2021, FedPara)."""

    def __init__(self, first: Matrix, second: Matrix) -> None:
        _require((first.rows, first.columns) == (second.rows, second.columns))
        self._first, self._second = first, second
        self.rows, self.columns, self.rank = first.rows, first.columns, first.rank

    def value(self, device: torch.device) -> Tensor:
        return self._first.value(device) * self._second.value(device)

    def add_to(self, total: Tensor, factor: float) -> None:
        device = total.device
        total.addcmul_(self._first.value(device), self._second.value(device), value=factor)


class Kronecker(Matrix):
    """Each element of the first matrix times the whole second one (LoKr: Edalati et al. 2022,
    KronA)."""

    def __init__(self, first: Matrix, second: Matrix) -> None:
        self._first, self._second = first, second
        self.rows, self.columns = first.rows * second.rows, first.columns * second.columns
        self.rank = first.rank or second.rank

    def value(self, device: torch.device) -> Tensor:
        return torch.kron(self._first.value(device), self._second.value(device))


class Rows(Matrix):
    """The rows from `start` to `stop` of a matrix, as far as it has them."""

    def __init__(self, whole: Matrix, start: int, stop: int) -> None:
        self._whole, self._rows = whole, slice(start, stop)
        self.rows = len(range(whole.rows)[self._rows])
        self.columns, self.rank = whole.columns, whole.rank

    def value(self, device: torch.device) -> Tensor:
        return self._whole.value(device)[self._rows]


class Transposed(Matrix):
    """A matrix the other way round."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self.rows, self.columns, self.rank = matrix.columns, matrix.rows, matrix.rank

    def value(self, device: torch.device) -> Tensor:
        return self._matrix.value(device).T


def _flat(tensor: Tensor) -> Tensor:
    _require(tensor.ndim > 0 and tensor.numel() > 0)
    return tensor.reshape(tensor.shape[0], -1)


def _ready(tensor: Tensor, device: torch.device) -> Tensor:
    # To the device first: fewer bytes travel.
    return tensor.to(device).to(torch.float32)


def _require(fits: bool) -> None:
    if not fits:
        raise ValueError("the factors do not fit together")
