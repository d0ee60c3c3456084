"""What diffusers writes into a LoRA's header about its alphas: its names have none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KEY = "lora_adapter_metadata"


@dataclass(frozen=True)
class PeftMetadata:
    """The settings of peft, each named `<component>.<setting>`."""

    settings: Mapping[str, Any]

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> PeftMetadata:
        """What the header of a safetensors file says, if it says anything.

        Raises ValueError where that is no JSON object.
        """
        settings = json.loads(metadata.get(_KEY, "{}"))
        if not isinstance(settings, dict):
            raise ValueError(f"{_KEY} is no object")
        return cls(settings)

    def scale(self, component: str, module: str, rank: int) -> float:
        """What a module's change is to be multiplied with: alpha / rank, alpha / sqrt(rank) with
        `use_rslora` (Kalajdzievski 2023), 1 where nothing is said."""
        alpha = self.settings.get(f"{component}.lora_alpha")
        pattern = self.settings.get(f"{component}.alpha_pattern") or {}
        for name, own in pattern.items():
            if module == name or module.endswith(f".{name}"):
                alpha = own
        if alpha is None:
            return 1.0
        return alpha / (math.sqrt(rank) if self.settings.get(f"{component}.use_rslora") else rank)
