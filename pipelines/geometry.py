"""Sizes, as values with verbs."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LATENT_FACTOR = 8
"""Pixels per latent in each direction: the autoencoders of all SD families halve three times."""

_TEXT = re.compile(r"\s*(\d{1,5})\s*[xX*\u00d7]\s*(\d{1,5})\s*")


class Size(BaseModel):
    """Width and height of a picture in pixels, each a multiple of 8 between 64 and 4096.

    Reads from `"512x768"` as well as from its fields, and prints as `512x768`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(ge=64, le=4096, multiple_of=LATENT_FACTOR)
    height: int = Field(ge=64, le=4096, multiple_of=LATENT_FACTOR)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = _TEXT.fullmatch(value)
        if match is None:
            raise ValueError("a size is written as WIDTHxHEIGHT, for example 512x768")
        return {"width": int(match[1]), "height": int(match[2])}

    @classmethod
    def nearest(cls, width: float, height: float) -> Self:
        """The closest size that can be rendered."""

        def fit(side: float) -> int:
            return round(min(4096, max(64, side)) / LATENT_FACTOR) * LATENT_FACTOR

        return cls(width=fit(width), height=fit(height))

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @property
    def latent(self) -> tuple[int, int]:
        """Rows and columns of the latents (height first, as tensors have it)."""
        return self.height // LATENT_FACTOR, self.width // LATENT_FACTOR

    def swapped(self) -> Self:
        """Portrait for landscape and the other way round."""
        return type(self)(width=self.height, height=self.width)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"
