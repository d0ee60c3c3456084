"""Fooocus's own scheme: a JSON object under `parameters`, or in EXIF's comment.

{"prompt": ..., "steps": 30, "resolution": "(1024, 1024)", "base_model": ..., "sampler": ...}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.draft import OWN_VAE
from pipelines.metadata.a1111 import Infotext
from pipelines.metadata.beside import (
    LORA_HASHES,
    Said,
    listed,
    named_embeddings,
    stem,
    tagged,
    weight,
)
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
    "vae": "VAE",
    "version": "Version",
}
_IDLE = frozenset({
    "prompt", "negative_prompt", "full_prompt", "full_negative_prompt", "metadata_scheme",
    "performance", "refiner_model_hash", "refiner_switch", "loras", "created_by",
})  # fmt: skip
"""Said elsewhere: `steps` tell the performance."""
_OWN_VAE = "Default (model)"
_COMBINED = re.compile(r"lora_combined_\d{1,3}")
_PAIR = re.compile(r"\((\d{1,5}), ?(\d{1,5})\)")


def infotext(data: Mapping[str, Any]) -> Infotext:
    """What the object says. Raises nothing, whatever it holds."""
    combined = {key for key in data if _COMBINED.fullmatch(key)}
    fields = fields_of(data, _NAMES, _IDLE | combined)
    if pair := _PAIR.fullmatch(fields.get("Size", "")):
        fields["Size"] = f"{pair[1]}x{pair[2]}"
    if fields.get("Refiner model") is not None:
        fields["Refiner"] = fields.pop("Refiner model")
    if fields.get("VAE") == _OWN_VAE:
        fields["VAE"] = OWN_VAE
    if found := listed(_hashes(data)):
        fields[LORA_HASHES] = found
    loras = filter(None, (_lora(text_of(data[key])) for key in sorted(combined)))
    prompt, negative = (text_of(data.get(key)) for key in ("prompt", "negative_prompt"))
    prompt, negative = named_embeddings(prompt, negative, fields)
    return Infotext(tagged(prompt, loras), negative, fields)


def _lora(text: str) -> Said | None:
    """ "name : weight", or "True : name : weight"; None where it was switched off."""
    *switch, name, value = ["", *(part.strip() for part in text.split(" : "))][-3:]
    if "False" in switch or not name:
        return None
    return Said(name, weight(value), weight(value))


def _hashes(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """From `loras`: [name, weight, hash] each."""
    loras = data.get("loras")
    for lora in loras if isinstance(loras, list) else ():
        if isinstance(lora, list) and len(lora) == 3 and lora[2]:
            yield stem(text_of(lora[0])), text_of(lora[2])
