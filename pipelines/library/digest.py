"""The few lines worth showing out of what a file and its sidecars tell of themselves."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.library.entry import Training
from pipelines.library.text import plain
from pipelines.recipe import WEIGHT_LIMIT

LINE = 200
"""Characters of a name or title that are kept."""

TEXT = 2_000
"""Characters of a description that are kept."""

WORDS = 20
"""Trigger words, and most frequent tags, that are kept."""

COUNT_LIMIT = 10**9

TAGS_LIMIT = 1_000_000
"""Characters of `ss_tag_frequency` that are read at most."""


def digest(
    metadata: Mapping[str, str], notes: Mapping[str, Any], civitai: Mapping[str, Any]
) -> Training:
    """Gather from a safetensors header (`modelspec.*`, `ss_*`), the artist's own `X.json` as
    A1111 writes it, and `X.civitai.info`. The artist's own words win."""

    def spec(key: str) -> str:
        return metadata.get(f"modelspec.{key}", "")

    def trained(key: str) -> str:
        return metadata.get(f"ss_{key}", "")

    model = civitai.get("model")
    site_name = model.get("name") if isinstance(model, dict) else ""
    clip_skip = _number(trained("clip_skip"))
    return Training(
        title=_line(spec("title") or site_name),
        alias=_line(trained("output_name")),
        vae=_line(notes.get("vae")),
        base_model=_line(
            notes.get("sd version")
            or civitai.get("baseModel")
            or trained("base_model_version")
            or spec("architecture")
        ),
        trigger_words=_trigger_words(
            notes.get("activation text"), civitai.get("trainedWords"), spec("trigger_phrase")
        ),
        description=_text(notes.get("description") or spec("description")),
        notes=_text(notes.get("notes") or spec("usage_hint")),
        negative_prompt=_text(notes.get("negative text")),
        weight=_weight(notes.get("preferred weight")),
        author=_line(spec("author")),
        license=_line(spec("license")),
        network=_network(metadata),
        resolution=_line(spec("resolution") or trained("resolution")),
        clip_skip=int(clip_skip) if clip_skip is not None and 1 <= clip_skip <= 12 else None,
        tags=_tags(trained("tag_frequency")),
        cover=bool(spec("thumbnail") or metadata.get("ssmd_cover_images")),
    )


def _line(value: Any) -> str:
    return plain(value.strip(), LINE) if isinstance(value, str) else ""


def _text(value: Any) -> str:
    """A paragraph: its line breaks stay."""
    if not isinstance(value, str):
        return ""
    return "\n".join(map(plain, value.strip()[:TEXT].splitlines()))


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _weight(value: Any) -> float | None:
    """A weight that a prompt can ask for; A1111 writes 0 for none."""
    weight = _number(value)
    return weight if weight and abs(weight) <= WEIGHT_LIMIT else None


def _trigger_words(*sources: Any) -> tuple[str, ...]:
    """The first source that has any, its words in order, each once."""
    for source in sources:
        listed = source.split(",") if isinstance(source, str) else source
        if isinstance(listed, list):
            words = [_line(word) for word in listed[:WORDS]]
            if any(words):
                return tuple(dict.fromkeys(filter(None, words)))
    return ()


def _network(metadata: Mapping[str, str]) -> str:
    """What kind of LoRA it is and how large: "lora 32/16", "loha 8/4"."""
    module = metadata.get("ss_network_module", "")
    if not module:
        return ""
    arguments = _json(metadata.get("ss_network_args", ""))
    kind = arguments.get("algo") if isinstance(arguments, dict) else None
    name = kind if isinstance(kind, str) else module.removeprefix("networks.")
    sizes = [metadata.get(f"ss_network_{key}", "") for key in ("dim", "alpha")]
    return _line(f"{name} {'/'.join(filter(None, sizes))}")


def _tags(text: str) -> tuple[tuple[str, int], ...]:
    """The most frequent tags of all folders of the training set together."""
    counts: dict[str, int] = {}
    folders = _json(text) if len(text) <= TAGS_LIMIT else None
    for tags in _values(folders):
        for tag, count in _items(tags):
            if isinstance(count, int) and 0 < count < COUNT_LIMIT:
                counts[tag] = counts.get(tag, 0) + count
    most = sorted(counts, key=lambda tag: (-counts[tag], tag))[:WORDS]
    return tuple((_line(tag), counts[tag]) for tag in most)


def _values(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else ()


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
