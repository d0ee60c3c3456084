"""The files beside the checkpoint, as pictures of other apps name them: LoRAs, hypernetworks and
embeddings, and the hashes of all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pipelines.prompt.networks import hypernetwork_tag, lora_tag, parse_networks, with_tags

LORA_HASHES, TI_HASHES, TI = "Lora hashes", "TI hashes", "TI"
FOLLOWED = frozenset((LORA_HASHES, "Lora weights", TI_HASHES, TI, "Hashes"))
"""Fields that are looked up beside others."""

_LISTED = 100
"""Files that are listed at most."""
_KINDS = {"lora": "lora", "embed": "embedding", "vae": "vae", "hypernet": "hypernetwork"}
_EMBEDDING = re.compile(r"\bembedding:([^\s,:()\[\]<>]+)", re.IGNORECASE)
"""How ComfyUI and its kin name one in a prompt."""
_EMBED_TAG = re.compile(r"<embed(?:ding)?:([^<>:]+)(?::[^<>]*)?>", re.IGNORECASE)
_TRIGGER = re.compile(r"<([\w .\-]{1,200})>")
_SUFFIX = re.compile(r"\.(?:safetensors|ckpt|pt|pth|bin)\Z", re.IGNORECASE)


class Said(NamedTuple):
    """A LoRA an app tells of, and how much of it."""

    name: str
    unet_weight: float = 1.0
    text_encoder_weight: float = 1.0


def stem(name: str) -> str:
    """The name of a file without its folder and its ending, as A1111 names models."""
    return _SUFFIX.sub("", re.split(r"[\\/]", name)[-1])


def bare(name: str) -> str:
    """The stem as it stands in lists of hashes, which know no colons and commas in names."""
    return re.sub("[:,]", "", stem(name))


def weight(value: Any, default: float = 1.0) -> float:
    """A weight of any app, or the default where there is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return default


def tagged(prompt: str, loras: Iterable[Said]) -> str:
    """The prompt with the tags of these LoRAs, but for those that it has already."""
    known = {stem(lora.name).casefold() for lora in parse_networks(prompt).loras}
    added = [
        lora_tag(*lora) for lora in loras if lora.name and stem(lora.name).casefold() not in known
    ]
    return with_tags(prompt, " ".join(added[:_LISTED]))


def with_hypernetwork(prompt: str, fields: Mapping[str, str]) -> str:
    """The prompt with the tag of the hypernetwork that old infotexts name in a field."""
    name = re.sub(r"\([0-9a-f]{8,64}\)\Z", "", fields.get("Hypernet", "")).strip()
    if name in ("", "None"):
        return prompt
    return with_tags(prompt, hypernetwork_tag(name, weight(fields.get("Hypernet strength"))))


def named_embeddings(
    prompt: str, negative: str, fields: dict[str, str], *, triggers: bool = False
) -> tuple[str, str]:
    """Prompt and negative prompt with embeddings named by their words alone, which `fields` tell.

    "embedding:sub/ink.pt" and "<embed:ink>" are "ink"; with `triggers`, "<ink>" is, too.
    """
    words: dict[str, None] = {}

    def word(named: re.Match[str]) -> str:
        words[stem(named[1])] = None
        return stem(named[1])

    texts = [prompt, negative]
    for pattern in (_EMBEDDING, _EMBED_TAG, *((_TRIGGER,) if triggers else ())):
        texts = [pattern.sub(word, text) for text in texts]
    if words:
        fields[TI] = ", ".join([*words][:_LISTED])
    return texts[0], texts[1]


def embeddings(fields: Mapping[str, str]) -> list[str]:
    """The names of the embeddings an infotext tells of."""
    told = (name for role, name in hashes(fields) if role == "embedding")
    names = (*fields.get(TI, "").split(",", _LISTED)[:_LISTED], *told)
    return list(dict.fromkeys(filter(None, map(str.strip, names))))[:_LISTED]


def hashes(fields: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """The hashes an infotext tells, by role ("lora", "embedding", "hypernetwork") and `bare` name;
    the hash of the VAE under ("vae", "")."""
    found: dict[tuple[str, str], str] = {}
    for key, digits in _object(fields.get("Hashes", "")).items():
        kind, _, name = key.partition(":")
        if kind.lower() in _KINDS and isinstance(digits, str):
            found[_KINDS[kind.lower()], bare(name)] = digits
    for role, key in (("lora", LORA_HASHES), ("embedding", TI_HASHES)):
        found |= {(role, bare(name)): digits for name, digits in pairs(fields.get(key, ""))}
    if "VAE hash" in fields:
        found["vae", ""] = fields["VAE hash"]
    return found


def pairs(text: str) -> list[tuple[str, str]]:
    """ "ink: 0011, glow v2: 22" as pairs; what has no colon is passed over."""
    split = (item.rpartition(":") for item in text.split(",", _LISTED)[:_LISTED])
    return [(name.strip(), value.strip()) for name, colon, value in split if colon and name.strip()]


def listed(items: Iterable[tuple[str, str]]) -> str:
    """Pairs as A1111 writes them, under bare names."""
    return ", ".join(f"{bare(name)}: {value}" for name, value in items)


def _object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
