"""SwarmUI's own scheme: a JSON object with `sui_image_params`, where A1111 has its `parameters`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from pipelines.metadata.a1111 import Infotext
from pipelines.metadata.beside import Said, named_embeddings, tagged, weight
from pipelines.metadata.objects import fields_of, text_of

APP = "SwarmUI"
MARK = "sui_image_params"

_NAMES = {
    "steps": "Steps",
    "sampler": "Sampler",
    "scheduler": "Schedule type",
    "cfgscale": "CFG scale",
    "seed": "Seed",
    "model": "Model",
    "vae": "VAE",
    "controlnetmodel": "ControlNet",
    "refinermethod": "Refiner",
    "initimagecreativity": "Denoising strength",
}
_IDLE = frozenset({
    "prompt", "negativeprompt", "width", "height", "aspectratio", "images", "swarm_version", "date",
    "generation_time", "original_prompt", "imageformat", "batchsize", "automaticvae",
    "loras", "loraweights", "loratencweights",
})  # fmt: skip


def infotext(data: Mapping[str, Any]) -> Infotext:
    """What the object says. Raises nothing, whatever it holds."""
    said = data.get(MARK)
    said = said if isinstance(said, dict) else {}
    fields = fields_of(said, _NAMES, _IDLE)
    fields["Size"] = f"{text_of(said.get('width'))}x{text_of(said.get('height'))}"
    prompt, negative = (text_of(said.get(key)) for key in ("prompt", "negativeprompt"))
    prompt, negative = named_embeddings(prompt, negative, fields)
    return Infotext(tagged(prompt, _loras(said)), negative, fields)


def _loras(said: Mapping[str, Any]) -> Iterator[Said]:
    names, weights, apart = (
        _list(said.get(key)) for key in ("loras", "loraweights", "loratencweights")
    )
    for name, value, beside in zip_longest(names, weights[: len(names)], apart[: len(names)]):
        amount = weight(value)
        yield Said(text_of(name), amount, weight(beside, amount))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
