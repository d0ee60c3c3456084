"""Noise that belongs to one Brownian path."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipelines.samplers.base import Noise

if TYPE_CHECKING:
    from torch import Tensor


def brownian_noise(x: Tensor, sigma_min: float, sigma_max: float, seed: int) -> Noise:
    """Noise for the SDE samplers: increments of one Brownian path W over [sigma_min, sigma_max].

    `noise(a, b)` is `(W(b) - W(a)) / sqrt(|b - a|)` for sigmas in that range, standard normal, of
    the shape, dtype and device of `x`. Stretches that overlap share what they have in common, so
    the path does not depend on the number of steps; it depends on `seed` (>= 0) and the range
    alone, and is drawn on the CPU in float32.
    """
    import torch
    import torchsde

    # A walk of one step has a single sigma above zero, and draws nothing. The tree knows times to
    # six digits, and warns of those that rounding puts outside its range.
    low = round(sigma_min, 6) if sigma_min < sigma_max else 0.0
    high = round(sigma_max, 6)
    start = torch.zeros(x.shape, dtype=torch.float32)
    tree = torchsde.BrownianTree(t0=low, w0=start, t1=high, entropy=seed)

    def noise(sigma_from: float, sigma_to: float) -> Tensor:
        lower, upper = sorted(min(max(s, low), high) for s in (sigma_from, sigma_to))
        increment = torch.as_tensor(tree(lower, upper)) / math.sqrt(upper - lower)
        return (increment if sigma_from < sigma_to else -increment).to(x)

    return noise
