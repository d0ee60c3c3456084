"""Where to compute, and in which numbers."""

from __future__ import annotations

import math
import time

import torch

from pipelines.errors import RequestError, UnknownChoice

_DEVICES = ("auto", "cpu", "cuda", "mps")
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_PROBE_ROUNDS = 5
_PROBE_SECONDS = 1.0
_WORTH_IT = 1.25


def choose_device(wanted: str = "auto") -> torch.device:
    """The device of that name ("cpu", "cuda", "cuda:1", "mps"), or with "auto" the best there is.

    Raises UnknownChoice, or RequestError if this machine does not have it.
    """
    if wanted == "auto":
        best = "cuda" if _count("cuda") else "mps" if _count("mps") else "cpu"
        return torch.device(best)
    kind, _, index = wanted.partition(":")
    if kind not in _DEVICES[1:] or (index and not index.isdecimal()):
        raise UnknownChoice("device", wanted, _DEVICES)
    if int(index or 0) >= _count(kind):
        raise RequestError(
            f"This machine has no {wanted} that torch can use.", "Choose auto or cpu.", "device"
        )
    return torch.device(wanted)


def _count(kind: str) -> int:
    if kind == "cuda":
        return torch.cuda.device_count()
    return int(kind == "cpu" or torch.backends.mps.is_available())


def choose_dtype(
    device: torch.device, wanted: str = "auto", gain: float | None = None
) -> torch.dtype:
    """The dtype to compute in: "float32", "bfloat16", "float16", or with "auto" the fastest that
    keeps the picture: float16 on a GPU; on a CPU bfloat16 where its `gain` is worth it, else
    float32. The gain is measured where it is not given.

    Raises UnknownChoice; RequestError for float16 on a CPU, which is hundreds of times slower.
    """
    if wanted == "auto":
        if device.type != "cpu":
            return torch.float16
        gain = bfloat16_gain() if gain is None else gain
        return torch.bfloat16 if gain >= _WORTH_IT else torch.float32
    if wanted not in _DTYPES:
        raise UnknownChoice("dtype", wanted, ("auto", *_DTYPES))
    if wanted == "float16" and device.type == "cpu":
        raise RequestError(
            "Processors do not compute in float16.", "Choose auto, bfloat16 or float32.", "dtype"
        )
    return _DTYPES[wanted]


def bfloat16_gain() -> float:
    """How many times as fast as in float32 this processor multiplies in bfloat16; 0 where it can
    only imitate it, slowly.

    The answer must not hang on what else the machine does just then, for it decides the last bits
    of every picture: both are timed in turn, the best time of each counts, and only a whole second
    of trying makes it a no. A yes takes some milliseconds.
    """
    mkldnn = getattr(torch.ops, "mkldnn", None)
    supported = getattr(mkldnn, "_is_mkldnn_bf16_supported", None)
    if supported is None or not supported():
        return 0.0
    brain = single = math.inf
    deadline = time.perf_counter() + _PROBE_SECONDS
    rounds = 0
    while rounds < _PROBE_ROUNDS or (single < _WORTH_IT * brain and time.perf_counter() < deadline):
        brain = min(brain, _multiplication_seconds(torch.bfloat16))
        single = min(single, _multiplication_seconds(torch.float32))
        rounds += 1
    return single / brain


def _multiplication_seconds(dtype: torch.dtype) -> float:
    matrix = torch.ones(768, 768, dtype=dtype)
    start = time.perf_counter()
    torch.mm(matrix, matrix)
    return time.perf_counter() - start
