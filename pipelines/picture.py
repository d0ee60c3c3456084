"""A picture: pixels, the recipe that made them, and the facts of the making."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from PIL import Image
from pydantic import BaseModel, ConfigDict

from pipelines.recipe import Recipe


class Facts(BaseModel):
    """What the machine did. Same recipe and same facts: the same pixels.

    `seconds` is not written into files, so that the same picture is the same file, too; it is
    None in facts read back from one. `healed` is what was done otherwise than usual to get the
    picture, because memory was short or numbers were not numbers: "tiles of 512 pixels".
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    seconds: float | None = None
    device: str
    dtype: str
    threads: int
    versions: dict[str, str]
    healed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """8-bit RGB pixels with their recipe and facts."""

    image: Image.Image
    recipe: Recipe
    facts: Facts


def versions(*packages: str) -> dict[str, str]:
    """Installed versions by distribution name; a package that is absent is left out."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
