"""InvokeAI's `invokeai_metadata`: a JSON object.

{"positive_prompt": ..., "steps": 30, "width": 512, "scheduler": "dpmpp_2m_k", "model": {...}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.metadata.a1111 import Infotext
from pipelines.metadata.beside import Said, named_embeddings, tagged, weight
from pipelines.metadata.objects import fields_of, load, text_of

APP = "InvokeAI"
KEYWORD = "invokeai_metadata"

_NAMES = {
    "steps": "Steps",
    "scheduler": "Sampler",
    "cfg_scale": "CFG scale",
    "seed": "Seed",
    "strength": "Denoising strength",
}
_IDLE = frozenset({
    "positive_prompt", "negative_prompt", "width", "height", "model", "clip_skip", "rand_device",
    "app_version", "generation_mode", "loras", "vae",
})  # fmt: skip


def read(texts: Mapping[str, str]) -> Infotext | None:
    """The settings among a picture's texts, or None where InvokeAI did not write them."""
    data = load(texts.get(KEYWORD, ""))
    return None if data is None else _infotext(data)


def _infotext(data: Mapping[str, Any]) -> Infotext:
    fields = fields_of(data, _NAMES, _IDLE)
    fields["Size"] = f"{text_of(data.get('width'))}x{text_of(data.get('height'))}"
    for key, name in (("model", "Model"), ("vae", "VAE")):
        if said := _name(data.get(key)):
            fields[name] = said
    skipped = data.get("clip_skip")
    if isinstance(skipped, int):  # it counts the layers left out, others the one that is read
        fields["Clip skip"] = str(skipped + 1)
    if data.get("rand_device") == "cpu":
        fields["RNG"] = "CPU"
    prompt, negative = (text_of(data.get(f"{side}_prompt")) for side in ("positive", "negative"))
    prompt, negative = named_embeddings(prompt, negative, fields, triggers=True)
    return Infotext(tagged(prompt, _loras(data.get("loras"))), negative, fields)


def _name(model: Any) -> str:
    """What a model is called, in the words of any of InvokeAI's ages."""
    if not isinstance(model, dict):
        return ""
    return text_of(model.get("name") or model.get("model_name"))


def _loras(loras: Any) -> Iterator[Said]:
    for lora in loras if isinstance(loras, list) else ():
        if isinstance(lora, dict) and (name := _name(lora.get("model") or lora.get("lora"))):
            amount = weight(lora.get("weight"))
            yield Said(name, amount, amount)
