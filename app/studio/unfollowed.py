"""What other programs did for a picture that Gesso does not do, in sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from pipelines.library.text import plain
from pipelines.metadata import a1111
from pipelines.prompt.networks import parse_networks

SHOWN = 80
"""Characters of a text from outside that are repeated in a sentence."""
_MANY = 12

_FEATURES = (
    (("Hires", "First pass size"), "It was enlarged in a second pass (hires fix)."),
    (("Denoising strength",), "It was painted over another picture, which it does not carry."),
    (("Mask", "Inpaint", "Conditional mask"), "Only a masked part of it was painted."),
    (("ControlNet", "Controlnets", "Ipadapters", "T2iadapters"), "A ControlNet guided it."),
    (("Refiner",), "A refiner finished it."),
    (("Styles", "Prompt expansion"), "Styles added to its prompt."),
    (("ADetailer",), "Details were painted again by ADetailer."),
    (("Variation seed", "Seed resize"), "Its noise was mixed with that of another seed."),
    (("Face restoration",), "Its faces were restored afterwards."),
    (("Script", "X/Y/Z", "SD upscale"), "A script made it."),
)
"""How the names of fields begin, and what they tell. The first that fits counts."""

_IDLE = (
    "App", "Backend", "Batch", "Civitai", "Created Date", "Index", "Model hash",
    "Negative Template", "Operations", "Parser", "Pipeline", "RNG", "Raw", "Template", "User",
    "Version",
)  # fmt: skip
"""Fields that change no pixel, or that are spoken of elsewhere."""

_COMPEL = re.compile(r"\)[\d+-]|\w\+")
_WEIGHT = re.compile(r":[\d.]+\)")
_OWN_NOISE = ("Gesso", "ComfyUI", "Fooocus")
"""Apps that draw noise where Gesso does, on the processor."""


def unfollowed(
    app: str, prompt: str, fields: Mapping[str, str], ignored: Sequence[str]
) -> Iterator[str]:
    """One sentence for each thing that an infotext tells of and that will be missing here."""
    yield from _resources(prompt, fields.get("Civitai resources", ""))
    yield from _weights(app, prompt)
    rest = [name for name in ignored if not name.startswith(_IDLE)]
    hires = any(name.startswith(_FEATURES[0][0]) for name in rest)
    told: dict[str, None] = {}
    others: list[str] = []
    for name in rest:
        if name in a1111.COUNTERPARTS:
            yield f"{name} cannot be {plain(fields[name], SHOWN)!r}; it stays as it is."
        elif name == "Denoising strength" and hires:
            continue
        elif feature := next((said for starts, said in _FEATURES if name.startswith(starts)), None):
            told[feature] = None
        else:
            others.append(plain(name, SHOWN))
    yield from (f"{feature} Gesso does not do this yet." for feature in told)
    if others:
        yield f"Not followed: {listed(others)}."
    if fields and app not in _OWN_NOISE and fields.get("RNG") != "CPU":
        yield (
            "It does not say that its noise was drawn on the processor, as Gesso's is: the same "
            "seed can give another composition."
        )


def _resources(prompt: str, text: str) -> Iterator[str]:
    """What Civitai's own generator lists, which names no files, and puts no tags into a prompt."""
    networks = parse_networks(prompt)
    if networks.loras or networks.hypernetworks:
        return
    try:
        resources = json.loads(text)
    except (ValueError, RecursionError):
        return
    names = [
        plain(str(each.get("modelName", "")), SHOWN)
        for each in (resources if isinstance(resources, list) else ())
        if isinstance(each, dict) and each.get("type") not in ("checkpoint", None)
    ]
    if names:
        yield f"Made with more than its prompt names: {listed(names)}. It is made without."


def _weights(app: str, prompt: str) -> Iterator[str]:
    """How the weights of words are written or meant elsewhere, where that is not as here."""
    if app == "InvokeAI" and _COMPEL.search(prompt):
        yield "Its weights are written as (word)1.2 or word+, which is (word:1.2) here."
    if app == "NovelAI" and "{" in prompt:
        yield "Its weights are written as {word}, which is (word:1.05) here."
    if app == "ComfyUI" and _WEIGHT.search(prompt):
        yield "ComfyUI weights words such as (word:1.2) in another way: it can come out different."


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, the first of them."""
    more = len(names) - _MANY
    return ", ".join(names[:_MANY]) + (f" and {more} more" if more > 0 else "")
