"""The recipe: everything that decides one picture, and nothing else.

A recipe is frozen, complete and serialisable. Same recipe and same facts (device, dtype,
versions) give the same bytes. No field means "you choose": choices are made once, in `expand`.

Range, default and help stand on each field. The widgets of the page, the flags of the command
line and the schema of the API are derived from here.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pipelines.errors import RecipeFileError, RequestError
from pipelines.geometry import Size

VERSION = 2
PROMPT_LIMIT = 10_000
NAME_LIMIT = 100
NETWORK_LIMIT = 100
"""LoRAs, and likewise embeddings and hypernetworks, of one picture."""
WEIGHT_LIMIT = 10.0
SEED_LIMIT = 2**64

PredictionType = Literal["epsilon", "v_prediction"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelRef(_Value):
    """A model file by what it is, not by where it lies: its name, and its hash once known.

    `addnet` is the hash of a LoRA's weights alone (kohya's), by which infotexts name it.
    """

    name: str = Field(min_length=1, max_length=512)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    addnet: str | None = Field(default=None, pattern=r"^[0-9a-f]{12}$")


class SizeConditioning(_Value):
    """SDXL's micro-conditioning, in pixels (Podell et al. 2023, section 2.2)."""

    original: Size = Field(description="Size the picture is said to have had before training")
    crop_left: int = Field(default=0, ge=0, le=4096)
    crop_top: int = Field(default=0, ge=0, le=4096)
    target: Size = Field(description="Size the picture is said to be shown at")


Weight = Annotated[float, Field(ge=-WEIGHT_LIMIT, le=WEIGHT_LIMIT, allow_inf_nan=False)]
"""How much of a network is added: 0 is nothing, 1 all of it."""


class LoraUse(_Value):
    """A LoRA (of any kind) and how much of it is added to the UNet and the text encoders."""

    model: ModelRef
    unet_weight: Weight = 1.0
    text_encoder_weight: Weight = 1.0


class HypernetworkUse(_Value):
    """A hypernetwork and how much of it is added."""

    model: ModelRef
    weight: Weight = 1.0


_Uses = TypeVar("_Uses", tuple[LoraUse, ...], tuple[HypernetworkUse, ...])


def _once(uses: _Uses) -> _Uses:
    names = [use.model.name for use in uses]
    if len(set(names)) < len(names):
        raise ValueError("Name each file once")
    return uses


class Recipe(_Value):
    """One picture, decided. Text to image: there is no initial picture."""

    version: Literal[2] = VERSION
    prompt: str = Field(
        default="",
        max_length=PROMPT_LIMIT,
        title="Prompt",
        description="What to paint. (word:1.2) stresses a word, BREAK starts a new chunk.",
    )
    negative_prompt: str = Field(
        default="",
        max_length=PROMPT_LIMIT,
        title="Negative prompt",
        description="What to steer away from.",
    )
    seed: int = Field(
        ge=0,
        lt=SEED_LIMIT,
        title="Seed",
        description="Decides the noise. The same seed and settings make the same picture.",
    )
    steps: int = Field(
        default=20,
        ge=1,
        le=150,
        title="Steps",
        description="Number of denoising steps. More takes longer; past 30 little changes.",
    )
    guidance_scale: float = Field(
        default=7.0,
        ge=0.0,
        le=30.0,
        allow_inf_nan=False,
        title="Guidance scale",
        description="How closely to follow the prompt (CFG). 1 is no guidance.",
    )
    sampler: str = Field(
        default="DPM++ 2M",
        max_length=NAME_LIMIT,
        title="Sampler",
        description="The method that walks from noise to picture.",
    )
    schedule: str = Field(
        default="Karras",
        max_length=NAME_LIMIT,
        title="Schedule",
        description="How the noise levels are spaced over the steps.",
    )
    clip_skip: int = Field(
        default=1,
        ge=1,
        le=12,
        title="Clip skip",
        description="The text encoder's layer to read, from its end. SDXL starts at 2.",
    )
    size: Size = Field(
        title="Size",
        description="Width and height in pixels, multiples of 8.",
    )
    checkpoint: ModelRef = Field(title="Checkpoint", description="The model that paints.")
    vae: ModelRef | None = Field(
        default=None,
        title="VAE",
        description="What turns latents into pixels. Automatic: the file that belongs to the "
        "checkpoint by name, else the one in it.",
    )
    loras: Annotated[tuple[LoraUse, ...], AfterValidator(_once)] = Field(
        default=(),
        max_length=NETWORK_LIMIT,
        title="LoRAs",
        description="Small files that change the checkpoint. In the prompt: <lora:name:0.8>.",
    )
    embeddings: tuple[ModelRef, ...] = Field(
        default=(),
        max_length=NETWORK_LIMIT,
        title="Embeddings",
        description="Textual inversions whose names stand in the prompt or the negative prompt.",
    )
    hypernetworks: Annotated[tuple[HypernetworkUse, ...], AfterValidator(_once)] = Field(
        default=(),
        max_length=NETWORK_LIMIT,
        title="Hypernetworks",
        description="Small networks beside the checkpoint's. In the prompt: <hypernet:name:0.8>.",
    )
    prediction_type: PredictionType = Field(
        default="epsilon",
        title="Prediction",
        description="What the model was trained to predict. Wrong gives brown noise.",
    )
    size_conditioning: SizeConditioning | None = Field(
        default=None,
        title="Size conditioning",
        description="What an SDXL model is told about size and crop; other families take none.",
    )

    def to_json(self) -> str:
        """Canonical JSON: fields in order, no spaces, so that equal recipes are equal texts."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a recipe of this or any earlier version.

        Raises RecipeFileError when the text is no recipe.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecipeFileError(
                "This is not a recipe: it is not JSON.",
                "Give a .json file written by Gesso, or a picture that Gesso saved.",
            ) from error
        return cls.of(data)

    @classmethod
    def of(cls, data: Any) -> Self:
        """Validate plain data of any version. Raises RecipeFileError or RequestError."""
        if not isinstance(data, dict):
            raise RecipeFileError(
                "This is not a recipe: it is not an object with fields.",
                "Give a .json file written by Gesso, or a picture that Gesso saved.",
            )
        try:
            return cls.model_validate(upgrade(data))
        except ValidationError as error:
            raise explain(error) from error


def upgrade(data: dict[str, Any]) -> dict[str, Any]:
    """Bring the data of an older recipe to the present version, one version at a time.

    Raises RecipeFileError for a version newer than this Gesso, or none at all.
    """
    version = data.get("version")
    if type(version) is int and version == 1:  # knew no files beside the checkpoint
        data, version = {**data, "version": 2}, 2
    if version == VERSION:
        return data
    if isinstance(version, int) and version > VERSION:
        raise RecipeFileError(
            f"This recipe was written by a newer Gesso (recipe version {version}).",
            "Update Gesso, then open it again.",
        )
    raise RecipeFileError(
        "This recipe does not say its version.", "Give a file written by Gesso itself."
    )


def explain(error: ValidationError) -> RequestError:
    """The first complaint of a validation, as one sentence with a cure and the field's name."""
    first = error.errors()[0]
    parts = [part for part in first["loc"] if isinstance(part, str)]
    where = [part for part in parts if not part.startswith("function")]
    field = where[0] if where else None
    name = " ".join([_titled(field), *where[1:]]).replace("_", " ") if field else "The request"
    given = first.get("input")
    context = first.get("ctx", {})
    match first["type"]:
        case "extra_forbidden":
            return RequestError(
                f"{name} is not a setting.", "Remove it, or check its spelling.", field
            )
        case "missing":
            return RequestError(f"{name} is missing.", "Give it a value.", field)
        case "string_too_long":
            limit = context["max_length"]
            return RequestError(
                f"{name} is too long: {len(str(given)):,} characters of {limit:,}.",
                f"Shorten it to {limit:,} characters.",
                field,
            )
        case "multiple_of":
            step = context["multiple_of"]
            return RequestError(
                f"{name} is {given!r}, which is not a multiple of {step}.",
                f"Use {_nearest_side(given)}.",
                field,
            )
        case _:
            shown = repr(given) if len(repr(given)) < 60 else "that"
            return RequestError(f"{name} cannot be {shown}.", _sentence(first["msg"]) + ".", field)


def _titled(field: str) -> str:
    """A field's name as it begins a sentence: "Guidance scale", "VAE"."""
    info = Recipe.model_fields.get(field)
    title = info.title if info is not None else None
    return title if title and title.lower() == field else field.capitalize()


def _nearest_side(value: Any) -> int:
    """Sides of pictures are the only numbers that must be multiples; they may come as text."""
    side = value if isinstance(value, int) else float(value)
    return Size.nearest(side, side).width


def _sentence(text: str) -> str:
    text = text.removeprefix("Value error, ").removeprefix("Input ")
    return text[:1].upper() + text[1:]
