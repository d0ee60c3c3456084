"""What a family of models is: facts, not branches.

A *family* is an architecture with its own text encoders and conditioning (SD 1.x, SD 2.x, SDXL).
A *variant* is one shape of it for which component configs ship: SD 1.5, its inpainting model,
the starter. A variant is a folder `presets/families/<variant>/` of configs and one
`variant.json`; adding one needs no code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from pipelines.geometry import Size
from pipelines.library.header import Header
from pipelines.recipe import PredictionType

Role = Literal[
    "checkpoint",
    "unet",
    "text_encoder",
    "vae",
    "lora",
    "controlnet",
    "t2i_adapter",
    "ip_adapter",
    "embedding",
    "hypernetwork",
    "upscaler",
    "face_restorer",
    "clip_vision",
    "vae_approx",
    "unknown",
]
"""What a model file is for."""


@dataclass(frozen=True)
class TextEncoder:
    """How one text encoder of a family is stored and read.

    `component` is its name in the component configs, `prefix` where its tensors stand in an
    original single file, `layout` which naming they use there. `pad` is the token that fills a
    chunk. The states used are those of the layer `max(clip_skip, least_skip)` from the end,
    normalised if `final_norm`. `pooled` says that its projected vector conditions the UNet as well.
    """

    component: str
    prefix: str
    layout: Literal["transformers", "open_clip"]
    pad: int
    least_skip: int = 1
    final_norm: bool = True
    pooled: bool = False


@dataclass(frozen=True)
class Shape:
    """What a UNet's tensors tell about it: the width of the text it reads, the channels it takes
    in, and the channels of its first layer."""

    context_dim: int
    in_channels: int
    model_channels: int


class Vae(NamedTuple):
    """What tells VAEs apart: the channels of their latents, those of the decoder's first layer,
    and the factor that brings latents to unit variance."""

    latent_channels: int
    decoder_channels: int
    scaling_factor: float


@dataclass(frozen=True)
class Family:
    """An architecture. `shape_of(header)` returns the UNet's shape if the file is of this family,
    in the original single-file layout, else None; no two families claim the same file.
    `conditioning` says what the UNet is told beside the text: nothing, size and crop (SDXL), or
    size and aesthetic score (its refiner). With `zero_empty_negative` an empty negative prompt
    is all zeros rather than the encoding of an empty text, as the family was trained. `aligned`
    is the family's published "Align Your Steps" schedule (Sabour et al. 2024), `said` how trainers,
    model sites and file names begin, in lower case, when they mean it."""

    name: str
    label: str
    encoders: tuple[TextEncoder, ...]
    shape_of: Callable[[Header], Shape | None]
    aligned: tuple[float, ...]
    conditioning: Literal["none", "size", "aesthetic"] = "none"
    said: tuple[str, ...] = ()
    zero_empty_negative: bool = False


class Defaults(BaseModel):
    """What a newcomer to a variant would set; names are the recipe's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = 20
    guidance_scale: float = 7.0
    sampler: str = "DPM++ 2M"
    schedule: str = "Karras"
    clip_skip: int = 1


class Variant(BaseModel):
    """One shape of a family, read from `variant.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Folder name under presets/families")
    family: str
    label: str = Field(description="As the artist sees it: 'SD 1.5', 'SD 2.1 (768, v)'")
    context_dim: int
    in_channels: int = 4
    model_channels: int
    prediction_type: PredictionType = "epsilon"
    hints: tuple[str, ...] = Field(
        default=(),
        description="Lower-case fragments of a file name or modelspec.architecture that tell it "
        "from its sisters of the same shape",
    )
    sizes: tuple[Size, ...] = Field(description="Buckets it was trained for, the native one first")
    defaults: Defaults = Defaults()
    task: Literal["text-to-image", "inpaint", "depth", "refine"] = "text-to-image"

    folder: Path = Field(exclude=True)
    vae: Vae | None = Field(default=None, description="As its component config says")

    @property
    def shape(self) -> Shape:
        """What a file's tensors must tell to be of this variant."""
        return Shape(self.context_dim, self.in_channels, self.model_channels)
