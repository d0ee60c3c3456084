"""From what was asked to what is decided.

A `Draft` holds what the artist said; every field may be left open. `expand` makes all choices,
once, and returns one frozen recipe per picture. No torch here.
"""

from __future__ import annotations

import secrets
from typing import Any, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.errors import RequestError, WrongModel
from pipelines.geometry import Size
from pipelines.library.kinds import Family, Variant
from pipelines.recipe import (
    SEED_LIMIT,
    ModelRef,
    PredictionType,
    Recipe,
    SizeConditioning,
    explain,
)

AUTOMATIC = "Automatic"
"""The choice that leaves a sampler or schedule to the checkpoint or the sampler."""

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

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Validate plain data. Raises RequestError naming the field."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise explain(error) from error


class Choice(Protocol):
    """A checkpoint that can be chosen: what it is called and what it is."""

    @property
    def ref(self) -> ModelRef: ...
    @property
    def family(self) -> Family: ...
    @property
    def variant(self) -> Variant: ...


class Choices(Protocol):
    """What there is to choose from: `pipelines.catalog.Catalog` is one."""

    def checkpoint(self, name: str | None) -> Choice:
        """By name or hash; None is the default. Raises UnknownModel, WrongModel."""
        ...

    def recall(self, ref: ModelRef) -> Choice:
        """The very file a recipe names. Raises UnknownModel, WrongModel."""
        ...

    def sampler(self, name: str) -> str:
        """The canonical name. Raises UnknownChoice."""
        ...

    def schedule(self, name: str, sampler: str) -> str:
        """The canonical name; `AUTOMATIC` is the sampler's own. Raises UnknownChoice."""
        ...


def expand(draft: Draft, choices: Choices) -> list[Recipe]:
    """Decide everything the draft left open: one recipe per picture, seeds counting up.

    Raises RequestError (naming the field) for anything that cannot be rendered.
    """
    chosen = choices.checkpoint(draft.checkpoint)
    _refuse_other_tasks(chosen)
    defaults = chosen.variant.defaults
    sampler = choices.sampler(_or(_named(draft.sampler), defaults.sampler))
    schedule = _or(draft.schedule, defaults.schedule if not _named(draft.sampler) else AUTOMATIC)
    size = _or(draft.size, chosen.variant.sizes[0])
    first = first_seed(draft.seed)
    decided: dict[str, Any] = {
        "prompt": draft.prompt,
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


def _size_conditioning(draft: Draft, chosen: Choice, size: Size) -> SizeConditioning | None:
    if chosen.family.conditioning != "size":
        return None
    return draft.size_conditioning or SizeConditioning(original=size, target=size)


def _named(name: str | None) -> str | None:
    return None if name in (None, "", AUTOMATIC) else name


def _or(value: _T | None, default: _T) -> _T:
    return default if value is None else value
