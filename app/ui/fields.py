"""Fields as the page sees them: what each says of itself, and its value as a widget holds it.

Label, help, range and default stand on `Recipe` and `Draft` and nowhere else. `read` turns what
the widgets hold into a `Draft`, `write` turns a draft into what the widgets show; they are each
other's inverse.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import annotated_types
from pydantic.fields import FieldInfo

from pipelines import samplers
from pipelines.draft import AUTOMATIC, Draft
from pipelines.errors import RequestError
from pipelines.geometry import Size
from pipelines.library.kinds import Variant
from pipelines.recipe import Recipe, SizeConditioning

_OPEN = ("seed", "prediction_type", "size_conditioning")
"""What a draft may leave to Gesso, and a widget show as left to it."""

NESTED = "size_conditioning."
"""Prefix of the widgets that make up SDXL's size conditioning."""


@dataclass(frozen=True)
class Facts:
    """What a field says about itself. Bounds are inclusive, None where there are none."""

    label: str
    help: str
    default: Any
    minimum: float | None
    maximum: float | None


def facts(name: str) -> Facts:
    """The facts of a recipe's field, of a draft's, or of `size_conditioning.<field>`."""
    info = _info(name)
    bounds: dict[str, Any] = {}
    for rule in info.metadata:
        match rule:
            case annotated_types.Ge(ge=low):
                bounds["minimum"] = low
            case annotated_types.Le(le=high):
                bounds["maximum"] = high
    return Facts(
        label=info.title or _label(name, info),
        help=info.description or "",
        default=None if info.is_required() else info.default,
        minimum=bounds.get("minimum"),
        maximum=bounds.get("maximum"),
    )


def _info(name: str) -> FieldInfo:
    if name.startswith(NESTED):
        return SizeConditioning.model_fields[name.removeprefix(NESTED)]
    return Recipe.model_fields.get(name) or Draft.model_fields[name]


def _label(name: str, info: FieldInfo) -> str:
    label = name.removeprefix(NESTED).replace("_", " ").capitalize()
    return f"{label} size" if info.annotation is Size else label


def read(values: Mapping[str, Any]) -> Draft:
    """What the widgets hold, as a request. Raises RequestError naming the field."""
    nested = {
        name.removeprefix(NESTED): value
        for name, value in values.items()
        if name.startswith(NESTED) and value
    }
    data = {
        name: _READERS.get(name, _open)(value)
        for name, value in values.items()
        if not name.startswith(NESTED)
    }
    if nested:
        data["size_conditioning"] = {"original": data["size"], "target": data["size"], **nested}
    return Draft.of({name: value for name, value in data.items() if value is not None})


def kept(values: Mapping[str, Any], names: Collection[str]) -> Draft:
    """What the widgets of some fields hold, to be shown again by `write`: what they leave to Gesso
    is said, too. Raises RequestError naming the field."""
    parts = {
        name: value for name, value in values.items() if name == "size" or _field(name) in names
    }
    draft = read(parts)
    said = {name: getattr(draft, name) for name in set(names) & set(map(_field, parts))}
    for name in {"schedule", "vae"} & said.keys():
        said[name] = said[name] or AUTOMATIC
    return Draft.of(
        {name: value for name, value in said.items() if value is not None or name in _OPEN}
    )


def _field(name: str) -> str:
    return name.partition(".")[0]


def write(draft: Draft, variant: Variant | None = None) -> dict[str, Any]:
    """What the widgets show for the fields that a draft sets, by field.

    What its checkpoint (of this `variant`) would choose by itself is shown as left to it, so that
    choosing another checkpoint afterwards does not carry it along.
    """
    values = {name: getattr(draft, name) for name in draft.model_fields_set}
    for name in {"seed", "size"} & values.keys():
        values[name] = "" if values[name] is None else str(values[name])
    if "prediction_type" in values:
        own = values["prediction_type"] in (None, variant and variant.prediction_type)
        values["prediction_type"] = AUTOMATIC if own else draft.prediction_type
    if "vae" in values:
        values["vae"] = draft.vae or AUTOMATIC
    if "size_conditioning" in values:
        values |= _write_conditioning(values.pop("size_conditioning"), draft.size)
    return values


def _write_conditioning(told: SizeConditioning | None, size: Size | None) -> dict[str, Any]:
    if told is None or (size and told == SizeConditioning(original=size, target=size)):
        told_original = told_target = ""
    else:
        told_original, told_target = str(told.original), str(told.target)
    return {
        NESTED + "original": told_original,
        NESTED + "crop_left": told.crop_left if told else 0,
        NESTED + "crop_top": told.crop_top if told else 0,
        NESTED + "target": told_target,
    }


def starting_values(variant: Variant) -> dict[str, Any]:
    """What a newcomer to a checkpoint of this variant would set, by field."""
    defaults = variant.defaults
    if defaults.schedule == samplers.sampler(defaults.sampler).schedule:
        defaults = defaults.model_copy(update={"schedule": AUTOMATIC})
    size = str(variant.sizes[0])
    return {**defaults.model_dump(), "size": size, "prediction_type": AUTOMATIC}


def sizes_of(variant: Variant | None) -> list[str]:
    """The sizes a variant was trained for, as text, its own first."""
    return [str(size) for size in variant.sizes] if variant else []


def refill(
    values: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields to change when another checkpoint is chosen: those the artist left as they were.

    `before` and `after` are the starting values of the old and the new checkpoint.
    """
    return {
        name: value
        for name, value in after.items()
        if name in values and values[name] == before.get(name) and value != values[name]
    }


def _open(value: Any) -> Any:
    return None if value in ("", AUTOMATIC) else value


def _text(value: Any) -> Any:
    return value


def _seed(value: Any) -> int | None:
    text = str(value if value is not None else "").strip()
    if text in ("", "-1"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        shown = text if len(text) <= 24 else text[:20] + "\u2026"
        raise RequestError(
            f"Seed {shown!r} is not a whole number from 0 to 2^64 - 1.",
            "Use digits only, or leave it empty for a fresh one.",
            "seed",
        )
    return int(text)


_READERS = {"prompt": _text, "negative_prompt": _text, "seed": _seed}
