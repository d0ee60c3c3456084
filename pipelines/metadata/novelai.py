"""NovelAI's `Comment`: a JSON object beside `Software: NovelAI`.

{"prompt": ..., "uc": ..., "steps": 28, "scale": 5.0, "seed": 7, "sampler": "k_euler", ...}
"""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.metadata.a1111 import Infotext
from pipelines.metadata.objects import fields_of, load, text_of

APP = "NovelAI"

_NAMES = {
    "steps": "Steps",
    "sampler": "Sampler",
    "noise_schedule": "Schedule type",
    "scale": "CFG scale",
    "seed": "Seed",
    "strength": "Denoising strength",
}
_IDLE = frozenset({
    "prompt", "uc", "width", "height", "n_samples", "request_type", "signed_hash", "v4_prompt",
    "v4_negative_prompt", "version", "uncond_scale", "params_version", "legacy", "legacy_v3_extend",
})  # fmt: skip


def read(texts: Mapping[str, str]) -> Infotext | None:
    """The settings among a picture's texts, or None where NovelAI did not write them."""
    data = load(texts.get("Comment", ""))
    if data is None or not texts.get("Software", "").startswith("NovelAI"):
        return None
    fields = fields_of(data, _NAMES, _IDLE)
    if "width" in data and "height" in data:
        fields["Size"] = f"{text_of(data['width'])}x{text_of(data['height'])}"
    if fields.get("Schedule type") == "native":
        fields["Schedule type"] = "Automatic"
    if "Denoising strength" in fields and "noise" not in data and "image" not in data:
        del fields["Denoising strength"]  # written for pictures made from words alone, too
    prompt = text_of(data.get("prompt")) or texts.get("Description", "")
    return Infotext(prompt.strip(), text_of(data.get("uc")).strip(), fields)
