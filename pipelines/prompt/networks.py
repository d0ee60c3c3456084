"""LoRAs, hypernetworks and embeddings named in the prompt, as A1111 writes them.

    <lora:ink>                    all of it
    <lora:ink:0.8>                0.8 of it
    <lora:ink:0.5:0.8>            0.5 of it in the text encoders, 0.8 in the UNet
    <lora:ink:te=0.5:unet=0.8>    the same
    <hypernet:wash:0.6>

`lyco` is another word for `lora`. In a name, `:`, `<`, `>` and a backslash before one of these are
written with a backslash before them. Whatever else stands between angle brackets is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.recipe import WEIGHT_LIMIT, ModelRef, Recipe, Weight

_ARGUMENTS = r"(?:[^<>\\]|\\[<>:\\]?+){1,1200}+"
"""Bounded, and nothing in it is read twice, however hostile the prompt."""
_TAG = re.compile(rf"<(lora|lyco|hypernet):({_ARGUMENTS})>", re.IGNORECASE)
_RUN = re.compile(rf" ?(?:<(?:lora|lyco|hypernet):{_ARGUMENTS}> ?+)++", re.IGNORECASE)
_PART = re.compile(r"((?:[^:\\]|\\[<>:\\]?+)*+)(?::|\Z)")
_FOREIGN = re.compile(r"(?!(?:te|unet)\s*=)\s*[a-z]\w*\s*=", re.IGNORECASE)
_CURE = f"Write NAME:0.8, with a weight from -{WEIGHT_LIMIT:g} to {WEIGHT_LIMIT:g}"
_ESCAPED = re.compile(r"\\([<>:\\])")
_SPECIAL = re.compile(r"[<>:\\]")


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=512, description="Name or hash of the file")
    weight: Weight = 1.0


class LoraAsked(_Asked):
    """A LoRA as it is asked for, and how much of it is added.

    `text_encoder_weight` None: as much as `weight`, which is the UNet's. Text is read as what
    stands in the tag: "ink", "ink:0.8", "ink:0.5:0.8".
    """

    text_encoder_weight: Weight | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return _lora(value) if isinstance(value, str) else value

    @property
    def tag(self) -> str:
        """As it stands in a prompt."""
        apart = self.text_encoder_weight
        return lora_tag(self.name, self.weight, self.weight if apart is None else apart)


class HypernetworkAsked(_Asked):
    """A hypernetwork as it is asked for, and how much of it is added."""

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: Any) -> Any:
        return _hypernetwork(value) if isinstance(value, str) else value

    @property
    def tag(self) -> str:
        """As it stands in a prompt."""
        return hypernetwork_tag(self.name, self.weight)


@dataclass(frozen=True)
class Networks:
    """What the tags of a prompt ask for. `text` is the prompt without them, `unread` the tags
    whose weights are no numbers, or out of range."""

    text: str
    loras: tuple[LoraAsked, ...] = ()
    hypernetworks: tuple[HypernetworkAsked, ...] = ()
    unread: tuple[str, ...] = ()


def parse_networks(text: str) -> Networks:
    """The tags of a prompt, in order. Any text is a prompt: nothing raises."""
    loras: list[LoraAsked] = []
    hypernetworks: list[HypernetworkAsked] = []
    unread: list[str] = []
    for tag in _TAG.finditer(text):
        try:
            if tag[1].lower() == "hypernet":
                hypernetworks.append(HypernetworkAsked.model_validate(tag[2]))
            else:
                loras.append(LoraAsked.model_validate(tag[2]))
        except ValidationError:
            unread.append(tag[0])
    rest = _RUN.sub(_gap, text)
    return Networks(rest, tuple(loras), tuple(hypernetworks), tuple(unread))


def without_foreign(text: str) -> tuple[str, list[str]]:
    """A prompt whose LoRA tags have only what Gesso follows, and what other programs were asked
    for beside that: "dyn=8", "lbw=MIDD"."""
    foreign: list[str] = []

    def followed(tag: re.Match[str]) -> str:
        parts = list(_parts(tag[2]))
        others = [part for part in parts[1:] if _FOREIGN.match(part)]
        foreign.extend(others)
        kept = ":".join(part for part in parts if part not in others)
        return f"<{tag[1]}:{kept}>" if others else tag[0]

    return _TAG.sub(followed, text), foreign


def tags(recipe: Recipe, name: Callable[[ModelRef], str] = lambda model: model.name) -> str:
    """The tags that ask for a recipe's LoRAs and hypernetworks, with a blank between two."""
    found = [
        lora_tag(name(use.model), use.unet_weight, use.text_encoder_weight) for use in recipe.loras
    ]
    found += [hypernetwork_tag(name(use.model), use.weight) for use in recipe.hypernetworks]
    return " ".join(found)


def with_tags(prompt: str, added: str) -> str:
    """A prompt with tags behind it: `parse_networks` gives the same prompt again."""
    return f"{prompt} {added}" if prompt and added else prompt + added


def lora_tag(name: str, unet_weight: float, text_encoder_weight: float) -> str:
    """The tag that asks for a LoRA."""
    if unet_weight == text_encoder_weight:
        return _tag("lora", name, unet_weight)
    return _tag("lora", name, text_encoder_weight, unet_weight)


def hypernetwork_tag(name: str, weight: float) -> str:
    """The tag that asks for a hypernetwork."""
    return _tag("hypernet", name, weight)


def words_in(text: str, words: Iterable[str]) -> list[tuple[int, int, str]]:
    """Where these words (names of embeddings) stand in a text: start, end and the word, in order.

    Case does not count; letters, digits and underscores right beside make another word. Where
    several fit the longest is taken.
    """
    folded = text.casefold()
    near = sorted((w for w in set(words) if w and w.casefold() in folded), key=_longest)
    if not near:
        return []
    groups = "|".join(f"({re.escape(word)})" for word in near)
    pattern = re.compile(rf"(?<!\w)(?:{groups})(?!\w)", re.IGNORECASE)
    return [
        (match.start(), match.end(), near[match.lastindex - 1])
        for match in pattern.finditer(text)
        if match.lastindex
    ]


def _longest(word: str) -> tuple[int, str]:
    return -len(word), word


def _gap(run: re.Match[str]) -> str:
    """What is left where tags stood: a blank where it keeps two words apart, else nothing."""
    text = run.string
    before, after = text[: run.start()][-1:], text[run.end() : run.end() + 1]
    apart = " " in _TAG.sub("", run[0]) and before.strip() and after.strip(" \n\t,")
    return " " if apart else ""


def _tag(kind: str, name: str, *weights: float) -> str:
    name = _SPECIAL.sub(r"\\\g<0>", name)
    return f"<{kind}:{':'.join([name, *(repr(w).removesuffix('.0') for w in weights)])}>"


def _lora(arguments: str) -> dict[str, Any]:
    name, positional, named = _read(arguments)
    if len(positional) > 2 or named.keys() - {"te", "unet"}:
        raise ValueError(_CURE)
    text_encoder = named.get("te", positional[0] if positional else 1.0)
    unet = named.get("unet", positional[1] if len(positional) == 2 else text_encoder)
    apart = None if unet == text_encoder else text_encoder
    return {"name": name, "weight": unet, "text_encoder_weight": apart}


def _hypernetwork(arguments: str) -> dict[str, Any]:
    name, positional, named = _read(arguments)
    if len(positional) > 1 or named:
        raise ValueError(_CURE)
    return {"name": name, "weight": positional[0] if positional else 1.0}


def _read(arguments: str) -> tuple[str, list[float], Mapping[str, float]]:
    """Name, weights by place and weights by name. Raises ValueError for what is no number."""
    first, *rest = _parts(arguments)
    positional: list[float] = []
    named: dict[str, float] = {}
    for part in rest:
        key, equals, value = part.rpartition("=")
        try:
            weight = float(value)
        except ValueError:
            raise ValueError(_CURE) from None
        if equals:
            named[key.strip().lower()] = weight
        else:
            positional.append(weight)
    return _ESCAPED.sub(r"\1", first), positional, named


def _parts(arguments: str) -> Iterator[str]:
    """What stands between colons that have no backslash before them."""
    position = 0
    while part := _PART.match(arguments, position):
        yield part[1]
        position = part.end()
        if part[0] == part[1]:  # no colon behind it: the last
            return
