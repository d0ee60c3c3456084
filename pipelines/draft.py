"""From what was asked to what is decided.

A `Draft` holds what the artist said; every field may be left open. `expand` makes all choices,
once, and returns one frozen recipe per picture. No torch here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.choices import Choice, Choices, ModelChoice
from pipelines.errors import RequestError, WrongModel, about
from pipelines.geometry import Size
from pipelines.library.kinds import Role
from pipelines.library.text import plain
from pipelines.prompt.chunks import named_words, word_of
from pipelines.prompt.networks import LoraAsked, Networks, parse_networks, without_foreign
from pipelines.recipe import (
    SEED_LIMIT,
    WEIGHT_LIMIT,
    HypernetworkUse,
    LoraUse,
    ModelRef,
    PredictionType,
    Recipe,
    SizeConditioning,
    explain,
)

AUTOMATIC = "Automatic"
"""The choice that leaves a sampler, schedule or VAE to the checkpoint or the sampler."""

OWN_VAE = "None"
"""The choice of the VAE that is in the checkpoint."""

MAX_COUNT = 64

_T = TypeVar("_T")


class Draft(BaseModel):
    """What the artist asked for. None, or `AUTOMATIC`, leaves the choice to Gesso."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = ""
    negative_prompt: str = ""
    seed: int | None = Field(default=None, description="None or -1: a fresh one")
    count: int = Field(
        default=1,
        ge=1,
        le=MAX_COUNT,
        title="Pictures",
        description="How many pictures, each with the next seed.",
    )
    steps: int | None = None
    guidance_scale: float | None = None
    sampler: str | None = None
    schedule: str | None = None
    clip_skip: int | None = None
    size: Size | None = None
    checkpoint: str | None = Field(default=None, description="Name or hash; None: the first one")
    prediction_type: PredictionType | None = None
    size_conditioning: SizeConditioning | None = None
    vae: str | None = Field(
        default=None,
        description=f"Name or hash; None or {AUTOMATIC!r}: by the checkpoint's name, else the "
        f"checkpoint's own; {OWN_VAE!r}: the checkpoint's own",
    )
    loras: tuple[LoraAsked, ...] = Field(
        default=(), description="Beside those that the prompt names; NAME:0.8 as text"
    )

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Validate plain data. Raises RequestError naming the field."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise explain(error) from error


def expand(draft: Draft, choices: Choices) -> list[Recipe]:
    """Decide everything the draft left open: one recipe per picture, seeds counting up.

    Raises RequestError (naming the field) for anything that cannot be rendered.
    """
    chosen = choices.checkpoint(draft.checkpoint)
    _refuse_other_tasks(chosen)
    networks = parse_networks(draft.prompt)
    defaults = chosen.variant.defaults
    sampler = choices.sampler(_or(_named(draft.sampler), defaults.sampler))
    schedule = _or(draft.schedule, defaults.schedule if not _named(draft.sampler) else AUTOMATIC)
    size = _or(draft.size, chosen.variant.sizes[0])
    first = first_seed(draft.seed)
    decided: dict[str, Any] = {
        "prompt": networks.text,
        "negative_prompt": draft.negative_prompt,
        "steps": _or(draft.steps, defaults.steps),
        "guidance_scale": _or(draft.guidance_scale, defaults.guidance_scale),
        "sampler": sampler,
        "schedule": choices.schedule(schedule, sampler),
        "clip_skip": _or(draft.clip_skip, defaults.clip_skip),
        "size": size,
        "checkpoint": chosen.ref,
        "prediction_type": _or(draft.prediction_type, chosen.variant.prediction_type),
        "size_conditioning": _size_conditioning(draft, chosen, size),
        **_beside(draft, networks, chosen, choices),
    }
    try:
        return [
            Recipe.model_validate({**decided, "seed": (first + k) % SEED_LIMIT})
            for k in range(draft.count)
        ]
    except ValidationError as error:
        raise explain(error) from error


def check(recipe: Recipe, choices: Choices) -> None:
    """Refuse early: a recipe from elsewhere may name what is not here.

    Raises UnknownModel, WrongModel or UnknownChoice, naming the field.
    """
    chosen = choices.recall(recipe.checkpoint)
    _refuse_other_tasks(chosen)
    choices.schedule(recipe.schedule, choices.sampler(recipe.sampler))
    if recipe.vae is not None:
        _check_model("vae", recipe.vae, chosen, choices, "vae")
    for lora in recipe.loras:
        _check_model("lora", lora.model, chosen, choices, "loras")
    for embedding in recipe.embeddings:
        _check_model("embedding", embedding, chosen, choices, "embeddings")
    for hypernetwork in recipe.hypernetworks:
        _check_model("hypernetwork", hypernetwork.model, chosen, choices, "hypernetworks")
    wants_size = chosen.family.conditioning == "size"
    if wants_size != (recipe.size_conditioning is not None):
        raise WrongModel(
            f"{chosen.ref.name} {'needs' if wants_size else 'takes no'} size conditioning.",
            "Choose the checkpoint this recipe was made with.",
            "size_conditioning",
        )


def first_seed(asked: int | None) -> int:
    """The seed asked for, or a fresh one below 2^32 that is easy to read and to type."""
    if asked is None or asked == -1:
        return secrets.randbelow(2**32)
    if not 0 <= asked < SEED_LIMIT:
        raise RequestError(
            f"Seed {asked} is out of range.", "Use 0 to 2^64 - 1, or -1 for a fresh one.", "seed"
        )
    return asked


def _refuse_other_tasks(chosen: Choice) -> None:
    if chosen.variant.task != "text-to-image":
        raise WrongModel(
            f"{chosen.ref.name} is {chosen.variant.label}, which does not paint from text alone.",
            "Choose a text-to-image checkpoint.",
            "checkpoint",
        )


def _beside(draft: Draft, networks: Networks, chosen: Choice, choices: Choices) -> dict[str, Any]:
    """The files beside the checkpoint, by field of the recipe."""
    _refuse_tags(networks, draft.negative_prompt)
    loras: dict[str, LoraUse] = {}
    for asked, field in (
        *((tag, "prompt") for tag in networks.loras),
        *((asked, "loras") for asked in draft.loras),
    ):
        ref = _fitting("lora", asked.name, chosen, choices, field)
        _refuse_twice(ref, loras, field)
        beside = _or(asked.text_encoder_weight, asked.weight)
        loras[ref.name] = LoraUse(model=ref, unet_weight=asked.weight, text_encoder_weight=beside)
    hypernetworks: dict[str, HypernetworkUse] = {}
    for tag in networks.hypernetworks:
        ref = _fitting("hypernetwork", tag.name, chosen, choices, "prompt")
        _refuse_twice(ref, hypernetworks, "prompt")
        hypernetworks[ref.name] = HypernetworkUse(model=ref, weight=tag.weight)
    return {
        "vae": _vae(draft.vae, chosen, choices),
        "loras": list(loras.values()),
        "hypernetworks": list(hypernetworks.values()),
        "embeddings": _embeddings((networks.text, draft.negative_prompt), chosen, choices),
    }


def _refuse_tags(networks: Networks, negative_prompt: str) -> None:
    for tag in networks.unread:
        followed, foreign = without_foreign(tag)
        if foreign:
            raise RequestError(
                f"{plain(tag, 100)} asks for {plain(foreign[0], 40)}, which Gesso does not do.",
                f"Write {plain(followed, 100)}.",
                "prompt",
            )
        raise RequestError(
            f"{plain(tag, 100)} cannot be read.",
            f"Write <lora:name:0.8>, with a weight from -{WEIGHT_LIMIT:g} to {WEIGHT_LIMIT:g}.",
            "prompt",
        )
    negative = parse_networks(negative_prompt)
    if negative.loras or negative.hypernetworks or negative.unread:
        raise RequestError(
            "A LoRA or hypernetwork in the negative prompt does nothing.",
            "Move its tag to the prompt, or remove it.",
            "negative_prompt",
        )


def _refuse_twice(ref: ModelRef, used: Mapping[str, Any], field: str) -> None:
    if ref.name in used:
        raise RequestError(
            f"{ref.name} is asked for twice.", "Keep one, with the weight you want.", field
        )


def _vae(asked: str | None, chosen: Choice, choices: Choices) -> ModelRef | None:
    if asked == OWN_VAE:
        return None
    if _named(asked) is None:
        found = choices.automatic_vae(chosen)
        return found.ref if found is not None else None
    return _fitting("vae", asked or "", chosen, choices, "vae")


def _embeddings(texts: Sequence[str], chosen: Choice, choices: Choices) -> list[ModelRef]:
    """Those that go with the checkpoint and whose words stand in one of the texts."""
    known: dict[str, tuple[str, ModelRef]] = {}
    for model in choices.models("embedding"):
        if choices.why_not(model.entry, chosen) is None:
            word = word_of(model.ref.name)
            known.setdefault(word.casefold(), (word, model.ref))
    words = [word for word, _ in known.values()]
    found = {word: None for text in texts for word in named_words(text, words)}
    return [known[word.casefold()][1] for word in found]


def _fitting(role: Role, name: str, chosen: Choice, choices: Choices, field: str) -> ModelRef:
    with about(field):
        model = choices.model(role, name)
        _refuse_misfit(model, chosen, choices)
    return model.ref


def _check_model(role: Role, ref: ModelRef, chosen: Choice, choices: Choices, field: str) -> None:
    with about(field):
        _refuse_misfit(choices.recall_model(role, ref), chosen, choices)


def _refuse_misfit(model: ModelChoice, chosen: Choice, choices: Choices) -> None:
    why = choices.why_not(model.entry, chosen)
    if why is not None:
        raise WrongModel(
            f"{model.ref.name} does not go with {chosen.ref.name}: {why[:1].lower()}{why[1:]}",
            "Choose another one, or another checkpoint.",
        )


def _size_conditioning(draft: Draft, chosen: Choice, size: Size) -> SizeConditioning | None:
    if chosen.family.conditioning != "size":
        return None
    return draft.size_conditioning or SizeConditioning(original=size, target=size)


def _named(name: str | None) -> str | None:
    return None if name in (None, "", AUTOMATIC) else name


def _or(value: _T | None, default: _T) -> _T:
    return default if value is None else value
