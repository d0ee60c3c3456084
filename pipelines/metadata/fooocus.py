"""Fooocus's own scheme: a JSON object under `parameters`, or in EXIF's comment.

{"prompt": ..., "steps": 30, "resolution": "(1024, 1024)", "base_model": ..., "sampler": ...}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipelines.metadata.a1111 import Infotext
from pipelines.metadata.objects import fields_of, text_of

_NAMES = {
    "steps": "Steps",
    "sampler": "Sampler",
    "scheduler": "Schedule type",
    "guidance_scale": "CFG scale",
    "seed": "Seed",
    "resolution": "Size",
    "base_model": "Model",
    "base_model_hash": "Model hash",
    "clip_skip": "Clip skip",
    "version": "Version",
}
_IDLE = frozenset({
    "prompt", "negative_prompt", "full_prompt", "full_negative_prompt", "metadata_scheme",
    "performance", "refiner_model_hash", "refiner_switch", "loras", "created_by",
})  # fmt: skip
"""Said elsewhere: `lora_combined_1`, ... tell the LoRAs, `steps` the performance."""
_PAIR = re.compile(r"\((\d{1,5}), ?(\d{1,5})\)")


def infotext(data: Mapping[str, Any]) -> Infotext:
    """What the object says. Raises nothing, whatever it holds."""
    fields = fields_of(data, _NAMES, _IDLE)
    if pair := _PAIR.fullmatch(fields.get("Size", "")):
        fields["Size"] = f"{pair[1]}x{pair[2]}"
    if fields.get("Refiner model") is not None:
        fields["Refiner"] = fields.pop("Refiner model")
    if fields.get("Vae") == "Default (model)":
        del fields["Vae"]
    return Infotext(text_of(data.get("prompt")), text_of(data.get("negative_prompt")), fields)
