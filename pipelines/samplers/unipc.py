"""UniPC (Zhao et al. 2023, "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling")."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pipelines.samplers.base import Denoise, Noise, Sampler, Step
from pipelines.samplers.steps import euler_step

if TYPE_CHECKING:
    from torch import Tensor

ORDER = 3


def coefficients(ratios: Sequence[float], h: float, scale: float) -> list[float]:
    """Solves `R(h) a = phi(h) / B(h)` (theorem 3.1) in data prediction.

    `ratios` are the positions of the other estimates, in units of the step `h` from its start;
    `scale` is B. With one position both sides agree to second order for any B, and the authors
    take 1/2.
    """
    if len(ratios) < 2:
        return [0.5] * len(ratios)
    right, phi = [], math.expm1(-h) / -h - 1
    for k in range(1, len(ratios) + 1):
        right.append(phi * math.factorial(k) / scale)
        phi = phi / -h - 1 / math.factorial(k + 1)
    left = np.vander(np.asarray(ratios), increasing=True).T
    return np.linalg.solve(left, right).tolist()


def _update(
    x: Tensor,
    sigmas: tuple[float, float],
    now: Tensor,
    others: Sequence[tuple[float, Tensor]],
    bh2: bool,
) -> Tensor:
    """One step from `sigmas[0]` to `sigmas[1]`: DDIM with `now`, and a share of each difference to
    the estimates at the other sigmas."""
    start, stop = sigmas
    x = euler_step(x, now, start, stop)
    if not others:
        return x
    h = math.log(start / stop)
    scale = math.expm1(-h) if bh2 else -h
    ratios = [math.log(start / sigma) / h for sigma, _ in others]
    shares = coefficients(ratios, h, scale)
    for ratio, share, (_, estimate) in zip(ratios, shares, others, strict=True):
        x = x - scale * share / ratio * (estimate - now)
    return x


def unipc(
    denoise: Denoise, x: Tensor, sigmas: Sequence[float], noise: Noise, bh2: bool = False
) -> Iterator[Step]:
    """Multistep UniPC of third order in data prediction.

    Each estimate first corrects the step that led to it (UniC), then predicts the next (UniP): one
    evaluation a step. The order rises at the start and falls to one at the end. `B(h)` is `h` or,
    with `bh2`, `exp(h) - 1`.
    """
    steps = len(sigmas) - 1
    past: deque[tuple[float, Tensor]] = deque(maxlen=ORDER)
    before, order = x, 1
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        if past:
            (start, now), *older = past
            others = [*older[: order - 1], (sigma, denoised)]
            x = _update(before, (start, sigma), now, others, bh2)
        past.appendleft((sigma, denoised))
        before, order = x, min(len(past), steps - i, ORDER)
        others = list(past)[1:order]
        x = _update(x, (sigma, sigma_next), denoised, others, bh2)
        yield Step(x, denoised, sigma)


UNIPC = Sampler(
    name="UniPC",
    run=unipc,
    summary="Predicts, then corrects itself: good pictures in 8 to 15 steps.",
    aliases=("k_unipc", "uni_pc"),
    schedule="SGM Uniform",
    unit_start=True,
)

UNIPC_BH2 = Sampler(
    name="UniPC bh2",
    run=partial(unipc, bh2=True),
    summary="UniPC in the variant its authors advise for guidance and few steps.",
    aliases=("unipc_bh2", "uni_pc_bh2"),
    schedule="SGM Uniform",
    unit_start=True,
)
