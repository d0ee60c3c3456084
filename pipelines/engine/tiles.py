"""A large picture in pieces that overlap, for a decoder that has no room for it as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pipelines.geometry import LATENT_FACTOR

OVERLAP = 16
"""Latents that neighbours share at least, over which one passes into the other."""


def decode_in_tiles(decode: Callable[[Tensor], Tensor], latents: Tensor, side: int) -> Tensor:
    """Decode [1, 4, h, w] latents in tiles of at most `side` x `side`, more than `OVERLAP`.

    `decode` takes [1, 4, h', w'] to [1, 3, 8h', 8w']; the result is [1, 3, 8h, 8w] in float32 on
    the CPU. A pixel in several tiles is their mean, weighted by how far it is from their edges. A
    picture that one tile covers is what `decode` makes of it, to the bit.
    """
    height, width = latents.shape[-2:]
    total = torch.zeros(1, 3, height * LATENT_FACTOR, width * LATENT_FACTOR)
    weights = torch.zeros(1, 1, *total.shape[-2:])
    for rows in _spans(height, side):
        for columns in _spans(width, side):
            pixels = decode(latents[..., rows, columns]).float().cpu()
            weight = _ramp(rows, height)[:, None] * _ramp(columns, width)
            place = ..., _in_pixels(rows), _in_pixels(columns)
            total[place] += pixels * weight
            weights[place] += weight
    return total / weights


def _spans(length: int, side: int) -> list[slice]:
    """Spans of `side`, evenly spread, that cover `length` and overlap enough."""
    if length <= side:
        return [slice(0, length)]
    count = math.ceil((length - OVERLAP) / (side - OVERLAP))
    starts = [round(i * (length - side) / (count - 1)) for i in range(count)]
    return [slice(start, start + side) for start in starts]


def _ramp(span: slice, length: int) -> Tensor:
    """Weight of each pixel of a span: 1, but rising and falling where another tile takes over."""
    count = (span.stop - span.start) * LATENT_FACTOR
    distance = torch.arange(count) + 0.5
    rise = distance if span.start > 0 else torch.full_like(distance, math.inf)
    fall = distance.flip(0) if span.stop < length else torch.full_like(distance, math.inf)
    return (torch.minimum(rise, fall) / (OVERLAP * LATENT_FACTOR)).clamp(max=1)


def _in_pixels(span: slice) -> slice:
    return slice(span.start * LATENT_FACTOR, span.stop * LATENT_FACTOR)
