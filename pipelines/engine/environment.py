"""The surroundings an engine works best in: buffers are kept, nothing is fetched.

glibc gives every buffer above 32 MB back to the system and faults it in again at the next step:
half of the time of a step on a CPU. Here it keeps them. Only its main arena can grow without
limit, so all threads share that one.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

_KEEP_BUFFERS = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_ARENA_MAX": "1",
}
_MALLOPT = {"M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_ARENA_MAX": (-8, 1)}
"""The same for a process that runs already: numbers and values of glibc's `mallopt(3)`."""

_HUGE_PAGES = {"THP_MEM_ALLOC_ENABLE": "1"}
"""For torch's own buffers; read when torch is imported."""

_STAY_HOME = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DIFFUSERS_DISABLE_REMOTE_CODE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def engine_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The environment of the engine's process, made of the studio's.

    Allocator settings that `base` has already are left as they are.
    """
    return {**_KEEP_BUFFERS, **_HUGE_PAGES, **base, **_STAY_HOME}


def settle_in() -> None:
    """Give this process the same surroundings. Call it before torch is imported."""
    for name, value in _HUGE_PAGES.items():
        os.environ.setdefault(name, value)
    os.environ.update(_STAY_HOME)
    if _KEEP_BUFFERS.keys() & os.environ.keys():
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return  # Not glibc.
    for parameter, value in _MALLOPT.values():
        mallopt(parameter, value)
