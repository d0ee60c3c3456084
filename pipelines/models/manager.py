"""The manager: it owns the device, and brings onto it what a picture needs.

Models live in three tiers. In its *file* a model costs nothing but time; what can be used as it is
stays mapped there. In *RAM* it is parked. On the *device* it can paint. Where the device has no
memory of its own, as a processor, the last two are one, and a parked model is back at once.
"""

from __future__ import annotations

import contextlib
import gc
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from pipelines.catalog import Catalog, Model, Stamp
from pipelines.events import Event, Loading
from pipelines.geometry import Size
from pipelines.models.extras import ExtraFiles, Extras
from pipelines.models.held import Held
from pipelines.models.loader import LoadedCheckpoint, load_checkpoint, load_vae
from pipelines.models.lora import merge
from pipelines.models.model_set import ModelSet
from pipelines.models.placement import Machine, Mode, place_file
from pipelines.models.plan import (
    Budgets,
    Current,
    Drop,
    Item,
    Key,
    Load,
    Park,
    Patch,
    Step,
    Wake,
    Wanted,
    plan,
)

Rung = Literal["offload", "stream"]
"""A lower placement: idle models off the device; weights streamed to it."""

OnEvent = Callable[[Event], None]
Stop = Callable[[], bool]


class ModelManager:
    """Keeps models ready within budgets of bytes; None is what the machine has to give.

    More RAM than its budget is never taken, but for a single model that is larger by itself.
    """
