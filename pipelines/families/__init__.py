"""The families Gesso can paint with: one file of facts each, found by being here."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from pipelines.errors import ModelFileError
from pipelines.library.header import Header
from pipelines.library.kinds import Family, Shape, Vae, Variant
from pipelines.library.pipeline_folder import PipelineFolder
from pipelines.library.sidecars import read_json
from pipelines.library.text import file_name
from pipelines.recipe import PredictionType

V_PREDICTION_KEYS = ("v_pred", "ztsnr")
"""Empty tensors by which v-prediction checkpoints announce themselves."""


class Identity(NamedTuple):
    """What a checkpoint is. Not `certain`: its sisters of the same shape differ only in what
    they predict, and nothing in the file says which it is."""

    family: Family
    variant: Variant
    certain: bool = True


def families() -> list[Family]:
    """All families, by name. Raises ValueError when two files define one name."""
    found: dict[str, tuple[str, Family]] = {}
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        for value in vars(importlib.import_module(module.name)).values():
            if not isinstance(value, Family):
                continue
            if value.name in found:
                raise ValueError(
                    f"family {value.name!r}: both {found[value.name][0]} and {module.name}"
                )
            found[value.name] = module.name, value
    return [found[name][1] for name in sorted(found)]


def variants(presets: Iterable[Path]) -> list[Variant]:
    """The variants under `families/` of each presets folder, by name; later folders win.

    Raises ModelFileError for a `variant.json` that cannot be read.
    """
    found: dict[str, Variant] = {}
    for folder in presets:
        for file in sorted(folder.glob("families/*/variant.json")):
            variant = _read_variant(file)
            found[variant.name] = variant
    return [found[name] for name in sorted(found)]


def identify(
    header: Header,
    name: str,
    families: Sequence[Family],
    variants: Sequence[Variant],
    prediction: PredictionType | None = None,
) -> Identity:
    """What an original single-file checkpoint is, by the names and shapes of its tensors.

    `name` is the file's name, consulted (with the metadata) only to tell sisters of one shape
    apart; `prediction` is what a sidecar says the model predicts, if one does.
    Raises ModelFileError when no family or no variant fits.
    """
    for family in families:
        shape = family.shape_of(header)
        if shape is not None:
            says = prediction or stated_prediction(header)
            texts = (name, header.metadata.get("modelspec.architecture", ""))
            return Identity(family, *choose_variant(family, shape, variants, says, texts))
    raise ModelFileError(
        f"{file_name(name)} is a checkpoint of a family Gesso does not know.",
        "Choose an SD 1.x, SD 2.x or SDXL checkpoint that has its text encoders in it.",
    )


def identify_pipeline(
    pipeline: PipelineFolder, families: Sequence[Family], variants: Sequence[Variant]
) -> Identity:
    """What a diffusers folder is, by its UNet's shape and its set of text encoders.

    Raises ModelFileError when no family or no variant fits.
    """
    for family in families:
        if pipeline.layouts == {e.component: e.layout for e in family.encoders}:
            found = choose_variant(
                family, pipeline.shape, variants, pipeline.prediction, (pipeline.name,)
            )
            return Identity(family, *found)
    raise ModelFileError(
        f"{pipeline.name} is a diffusers folder of a family Gesso does not know.",
        "Choose an SD 1.x, SD 2.x or SDXL checkpoint.",
    )


def choose_variant(
    family: Family,
    shape: Shape,
    variants: Sequence[Variant],
    prediction: PredictionType | None = None,
    texts: Sequence[str] = (),
) -> tuple[Variant, bool]:
    """The variant of this shape, and whether that is certain.

    Sisters of one shape are told apart by what they predict, then by the longest hint found in
    `texts`; a sister without hints is what a file is when nothing speaks for another one.
    Raises ModelFileError when there is none.
    """
    sisters = [v for v in variants if v.family == family.name and v.shape == shape]
    if not sisters:
        raise ModelFileError(
            f"This {family.label} checkpoint has a shape Gesso has no configuration for "
            f"({shape.in_channels} channels in, {shape.model_channels} in the first layer, "
            f"text {shape.context_dim} wide).",
            "Choose another checkpoint, or add its configuration under presets/families.",
        )
    fitting = [v for v in sisters if prediction in (None, v.prediction_type)] or sisters
    longest = [_longest_hint(variant, texts) for variant in fitting]
    best = [v for v, length in zip(fitting, longest, strict=True) if length == max(longest)]
    certain = max(longest) > 0 or any(not variant.hints for variant in best)
    # Fine-tunes mostly start from the larger sister.
    return max(best, key=lambda variant: variant.sizes[0].area), certain or len(best) == 1


def stated_prediction(header: Header) -> PredictionType | None:
    """What the file itself says it predicts (modelspec, or marker tensors), if it does."""
    if any(key in header.tensors for key in V_PREDICTION_KEYS):
        return "v_prediction"
    stated = header.metadata.get("modelspec.prediction_type", "").lower()
    if stated.startswith("v"):
        return "v_prediction"
    return "epsilon" if stated.startswith("eps") else None


def _longest_hint(variant: Variant, texts: Sequence[str]) -> int:
    lowered = [text.lower() for text in texts]
    return max((len(h) for h in variant.hints if any(h in text for text in lowered)), default=0)


def _read_variant(file: Path) -> Variant:
    try:
        data = json.loads(file.read_bytes())
        vae = _read_vae(file.parent)
        facts = {"name": file.parent.name, **data, "folder": file.parent, "vae": vae}
        return Variant.model_validate(facts)
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise ModelFileError(
            f"{file_name(file.parent)}/variant.json cannot be read.",
            "Compare it with the others under presets/families.",
        ) from error


def _read_vae(folder: Path) -> Vae | None:
    config = read_json(str(folder / "vae" / "config.json"))
    if not config:
        return None
    return Vae(
        config["latent_channels"], config["block_out_channels"][-1], config["scaling_factor"]
    )
