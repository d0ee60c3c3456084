"""The `parameters` text ("infotext") of A1111's webui, which most apps and sites read.

    prompt, any number of lines
    Negative prompt: likewise
    Steps: 20, Sampler: Euler a, Seed: 1, Size: 512x768, Lora hashes: "a: 00, b: 11"

The last line holds `key: value` items. A value with a comma, a colon or a line break stands in
JSON quotes; some sites put bare JSON objects and lists there.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipelines.draft import Draft
from pipelines.geometry import Size
from pipelines.metadata.beside import (
    FOLLOWED,
    LORA_HASHES,
    TI_HASHES,
    Said,
    listed,
    pairs,
    stem,
    tagged,
    weight,
    with_hypernetwork,
)
from pipelines.picture import Facts
from pipelines.prompt.networks import tags, with_tags
from pipelines.recipe import ModelRef, Recipe

KEYWORD = "parameters"
"""Keyword of the PNG text chunk."""
SHORT_HASH = 10
"""Hex digits of a checkpoint's or a VAE's sha256 that stand for it."""
LONGER_HASH = 12
"""Those of a LoRA's or an embedding's."""

_NEGATIVE = "Negative prompt:"
_FIRST_KEY = "Steps:"
_MIN_ITEMS = 3
"""Fewer `key: value` items than this do not make a line of settings."""
_KEY = re.compile(r"\w[\w \-/]+")
_HEAD = re.compile(r"([^,:]*)(:\s*)?")
_STEPS = re.compile(r"(?:^|\s)(?=Steps: *\d+ *(?:,|$))")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET_OR_STRING = re.compile(r'[\[\]{}]|"(?:[^"\\]|\\.?)*(?:"|\Z)', re.DOTALL)
"""A string that is never closed reaches to the end, so that it is read once and not again from
each of its quotes."""


@dataclass(frozen=True)
class Infotext:
    """What a `parameters` text says; `fields` keep their names, order and texts."""

    prompt: str = ""
    negative_prompt: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def parameters(recipe: Recipe, facts: Facts) -> str:
    """The infotext of a picture."""
    version = facts.versions.get("gesso")
    items = {
        "Steps": recipe.steps,
        "Sampler": recipe.sampler,
        "Schedule type": recipe.schedule,
        "CFG scale": repr(recipe.guidance_scale).removesuffix(".0"),
        "Seed": recipe.seed,
        "Size": recipe.size,
        "Model hash": _short(recipe.checkpoint),
        "Model": stem(recipe.checkpoint.name),
        "VAE hash": recipe.vae and _short(recipe.vae),
        "VAE": recipe.vae and stem(recipe.vae.name),
        "Clip skip": recipe.clip_skip if recipe.clip_skip > 1 else None,
        "RNG": _NOISE,
        LORA_HASHES: _hashes(use.model for use in recipe.loras),
        TI_HASHES: _hashes(recipe.embeddings),
        "Version": version and f"Gesso {version}",
    }
    lines = [with_tags(recipe.prompt, tags(recipe, lambda model: stem(model.name)))]
    if recipe.negative_prompt:
        lines.append(f"{_NEGATIVE} {recipe.negative_prompt}")
    lines.append(", ".join(f"{k}: {_quoted(str(v))}" for k, v in items.items() if v is not None))
    return "\n".join(lines).strip()


def parse(text: str) -> Infotext:
    """Read an infotext of any app and age. Any text is one: nothing raises."""
    *lines, last = text.replace("\r\n", "\n").strip().split("\n")
    words, fields = _split_settings(last)
    if not fields:
        lines, words, fields = _settings_above(lines, last)
    if words:
        lines.append(words)
    prompt: list[str] = []
    negative: list[str] = []
    target = prompt
    for line in lines:
        if line.startswith(_NEGATIVE):
            target, line = negative, line.removeprefix(_NEGATIVE)
        target.append(line)
    return Infotext("\n".join(prompt).strip(), "\n".join(negative).strip(), fields)


def to_draft(infotext: Infotext) -> tuple[Draft, list[str]]:
    """The draft an infotext asks for, and the names of the fields that are not followed.

    Sampler and schedule keep their texts: old files join the two, which is for the reader of
    sampler names to split.
    """
    asked: dict[str, Any] = {
        "prompt": _prompt(infotext),
        "negative_prompt": infotext.negative_prompt,
    }
    followed = {"Version", "Hypernet", "Hypernet strength", *FOLLOWED}
    if infotext.fields.get("RNG") == _NOISE:
        followed.add("RNG")
    for key, (name, read) in _FIELDS.items():
        try:
            asked[name] = read(infotext.fields[key])
        except (KeyError, ValueError):
            continue
        followed.add(key)
    return Draft(**asked), [key for key in infotext.fields if key not in followed]


def _settings_above(lines: list[str], last: str) -> tuple[list[str], str, dict[str, str]]:
    """Lines, words and settings where the settings do not stand in the last line, as some apps
    write them; what follows them is read as items, too."""
    steps = (n for n in reversed(range(len(lines))) if lines[n].startswith(_FIRST_KEY))
    place = next(steps, None)
    if place is None or not (fields := _split_settings(lines[place])[1]):
        return lines, last, {}
    for line in (*lines[place + 1 :], last):
        fields |= {key: key if value is None else value for key, value in _items(line)}
    return lines[:place], "", fields


def _split_settings(line: str) -> tuple[str, dict[str, str]]:
    """The words and the settings of the last line; it has mostly one or the other, but some
    sites put the settings behind the words."""
    words, rest = "", line
    steps = _STEPS.search(line)
    if steps and not _is_settings(line[: steps.start()]):
        words, rest = line[: steps.start()], line[steps.end() :]
    items = list(_items(rest))
    if rest.startswith(_NEGATIVE) or _proper(items) < _MIN_ITEMS:
        return line, {}
    return words, {key: key if value is None else value for key, value in items}


def _is_settings(text: str) -> bool:
    items = list(_items(text))
    return _proper(items) == len(items) and not text.startswith(_NEGATIVE)


def _proper(items: list[tuple[str, str | None]]) -> int:
    return sum(value is not None and bool(_KEY.fullmatch(key)) for key, value in items)


def _items(line: str) -> Iterator[tuple[str, str | None]]:
    """Keys with their values; None is the value of an item without a colon.

    Every character is looked at a bounded number of times, however hostile the line.
    """
    position, intact = 0, True
    while position < len(line) and (head := _HEAD.match(line, position)):
        value, end = None, head.end()
        if head[2]:
            start = end
            if intact:
                closed = _group_end(line, start)
                intact, end = closed is not None, closed or start
            comma = line.find(",", end)
            end = comma if comma >= 0 else len(line)
            value = _unquoted(line[start:end].strip())
        if key := head[1].strip():
            yield key, value
        position = end + 1


def _group_end(line: str, start: int) -> int | None:
    """Where the string, object or list that opens at `start` ends: `start` itself when nothing
    opens there, None when it is never closed."""
    opening = line[start : start + 1]
    if opening == '"':
        string = _STRING.match(line, start)
        return string and string.end()
    if opening not in ("{", "["):
        return start
    depth = 0
    for token in _BRACKET_OR_STRING.finditer(line, start):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    return None


def _quoted(value: str) -> str:
    """The value as it is, or in JSON quotes where it would be read as something else."""
    opens = value[:1] in ('"', "{", "[")
    if opens or value != value.strip() or set(value) & set(",:\n"):
        return json.dumps(value, ensure_ascii=False)
    return value


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        # Half of a pair of escapes (\\ud800) is no text.
        return str(json.loads(value)).encode("utf-8", "replace").decode()
    except ValueError:
        return value


def _prompt(infotext: Infotext) -> str:
    """The prompt with tags for what some apps tell in fields."""
    fields = infotext.fields
    weights = ((name, weight(said)) for name, said in pairs(fields.get("Lora weights", "")))
    loras = (Said(name, value, value) for name, value in weights)
    return with_hypernetwork(tagged(infotext.prompt, loras), fields)


def _short(model: ModelRef) -> str | None:
    return model.sha256 and model.sha256[:SHORT_HASH]


def _hashes(models: Iterable[ModelRef]) -> str | None:
    known = ((m.name, m.addnet or (m.sha256 or "")[:LONGER_HASH]) for m in models)
    return listed((name, digits) for name, digits in known if digits) or None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _name(text: str) -> str:
    if text in ("", "Undefined"):  # what Civitai writes for a sampler it does not know
        raise ValueError("no name")
    return text


_NOISE = "CPU"
"""A1111's word for noise drawn by the CPU's generator, as ours always is."""
_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "Steps": ("steps", int),
    "Sampler": ("sampler", _name),
    "Scheduler": ("schedule", _name),  # SD.Next's words for it
    "Schedule type": ("schedule", _name),
    "CFG scale": ("guidance_scale", _finite),
    "Seed": ("seed", int),
    "Size": ("size", Size.model_validate),
    "Model hash": ("checkpoint", _name),
    "Model": ("checkpoint", _name),  # after its hash: a file may not be hashed yet
    "VAE hash": ("vae", _name),
    "VAE": ("vae", _name),
    "CLiP-skip": ("clip_skip", int),  # SD.Next's
    "Clip skip": ("clip_skip", int),
}
"""How each field that has a counterpart is read: the draft's name for it, and a reader."""

COUNTERPARTS = frozenset(_FIELDS)
"""Fields that a draft can follow."""
