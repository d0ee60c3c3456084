"""Draw Things' JSON object, which stands in the comment of an XMP text.

{"c": prompt, "uc": negative, "steps": 20, "scale": 7.5, "size": "512x512", "model": ..., ...}

The XML around it is not parsed: one element is looked for.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.metadata.a1111 import Infotext
from pipelines.metadata.beside import Said, tagged, weight
from pipelines.metadata.objects import fields_of, load, text_of

APP = "Draw Things"

_KEYWORD = "XML:com.adobe.xmp"
_ELEMENT = "exif:UserComment>"
_NAMES = {
    "steps": "Steps",
    "sampler": "Sampler",
    "scale": "CFG scale",
    "seed": "Seed",
    "size": "Size",
    "model": "Model",
}
_IDLE = frozenset(
    {"c", "uc", "v2", "seed_mode", "profile", "mask_blur", "mask_blur_outset", "lora"}
)


def read(texts: Mapping[str, str]) -> Infotext | None:
    """The settings among a picture's texts, or None where Draw Things did not write them."""
    inside = texts.get(_KEYWORD, "").partition(f"<{_ELEMENT}")[2].partition(f"</{_ELEMENT}")[0]
    start, end = inside.find("{"), inside.rfind("}")
    data = load(html.unescape(inside[start : end + 1])) if 0 <= start < end else None
    if data is None or "c" not in data:
        return None
    fields = fields_of(data, _NAMES, _IDLE)
    if fields.get("Strength") in ("1", "1.0"):
        del fields["Strength"]
    elif "Strength" in fields:
        fields["Denoising strength"] = fields.pop("Strength")
    prompt = tagged(text_of(data["c"]), _loras(data.get("lora")))
    return Infotext(prompt, text_of(data.get("uc")), fields)


def _loras(loras: Any) -> Iterator[Said]:
    for lora in loras if isinstance(loras, list) else ():
        if isinstance(lora, dict) and (name := text_of(lora.get("model"))):
            amount = weight(lora.get("weight"))
            yield Said(name, amount, amount)
