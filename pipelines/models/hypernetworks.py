"""Hypernetworks in A1111's form: small networks that bend what attention reads as key and value.

    with attached(unet, [(hypernetwork, 0.8)]): ...

For a text or latents of width d, `x + strength * f_d(x)` takes the place of x before `to_k`, and
another f_d before `to_v`. Several follow one another in their order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.errors import ModelFileError, WrongModel
from pipelines.library.text import file_name
from pipelines.models.contents import read_contents


class Layer(NamedTuple):
    """A linear layer, the activation behind it, and the layer norm behind that."""

    weight: Tensor
    bias: Tensor | None
    activation: Callable[[Tensor], Tensor] | None = None
    norm: tuple[Tensor, Tensor] | None = None


Layers = tuple[Layer, ...]


@dataclass(frozen=True, eq=False)
class Hypernetwork:
    """Networks for key and value, by the width of what they are applied to."""

    name: str
    pairs: Mapping[int, tuple[Layers, Layers]]


def read_hypernetwork(path: Path) -> Hypernetwork:
    """A hypernetwork from A1111's `.pt`, or from .safetensors with the same names joined by dots
    and the settings as metadata. Its tensors stay mapped. Raises ModelFileError."""
    raise NotImplementedError


@contextmanager
def attached(unet: nn.Module, uses: Sequence[tuple[Hypernetwork, float]]) -> Iterator[None]:
    """Within it the UNet's attention reads through these hypernetworks, each at its strength.

    Before, after, and where all strengths are 0 the UNet is what it was, to the bit. Raises
    WrongModel for a hypernetwork made for text of another width.
    """
    yield
