"""The folder of pictures: `outputs/YYYY-MM-DD/<id>.png`. The folder is the truth, always.

A picture's id is its file's stem: date, time and seed, so that ids sort by age. An id from outside
is matched against their form before any path is made of it.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from app.studio.errors import NotFound
from pipelines.errors import StorageError, StudioError
from pipelines.metadata import read_recipe
from pipelines.recipe import Recipe

PICTURE_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{1,20}(-[0-9a-z]{1,8})?")
THUMBNAIL_SIDE = 384
MAX_PIXELS = 64_000_000

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class PictureInfo:
    """What a strip of results shows of a picture; `prompt` and `seed` if it carries a recipe."""

    id: str
    width: int
    height: int
    created_at: str
    prompt: str | None
    seed: int | None


class Gallery:
    """Pictures under `outputs`, their small versions under `thumbnails`."""

    def __init__(self, outputs: Path, thumbnails: Path) -> None:
        self._outputs = outputs
        self._thumbnails = thumbnails

    def folder(self, day: date) -> Path:
        """The folder for pictures made on a day, ready to be written to. Raises StorageError."""
        return writable(self._outputs / day.isoformat())

    def pictures(self, limit: int, before: str | None = None) -> list[PictureInfo]:
        """The newest pictures, newest first; those older than the picture `before` if given."""
        found: list[PictureInfo] = []
        for file in self._files():
            if len(found) == limit:
                break
            if (before is None or file.stem < before) and (info := _info(file)):
                found.append(info)
        return found

    def path(self, picture: str) -> Path:
        """The file of a picture. Raises NotFound, also for anything that is no id."""
        if PICTURE_ID.fullmatch(picture):
            day = f"{picture[:4]}-{picture[4:6]}-{picture[6:8]}"
            # A job that ran past midnight keeps all its pictures in the folder of its first day.
            for folder in (self._outputs / day, *self._days()):
                file = folder / f"{picture}.png"
                if file.is_file() and self._holds(file):
                    return file
        raise NotFound("This picture is not in the folder any more.", "Choose another one.")

    def thumbnail(self, picture: str) -> Path:
        """A JPEG of the picture, at most 384 pixels wide and high, made when first asked for."""
        original = self.path(picture)
        small = self._thumbnails / picture[:8] / f"{picture}.jpg"
        if not small.is_file() or small.stat().st_mtime_ns < original.stat().st_mtime_ns:
            _shrink(original, small)
        return small

    def recipe(self, picture: str) -> Recipe:
        """The recipe a picture carries. Raises NotFound or RecipeFileError."""
        return read_recipe(self.path(picture))

    def _holds(self, file: Path) -> bool:
        return file.resolve().is_relative_to(self._outputs.resolve())

    def _days(self) -> list[Path]:
        """Folders named after a day, newest first."""
        try:
            names = [name for name in os.listdir(self._outputs) if _DAY.fullmatch(name)]
        except OSError:
            return []
        return [self._outputs / name for name in sorted(names, reverse=True)]

    def _files(self) -> Iterator[Path]:
        for folder in self._days():
            names = os.listdir(folder) if folder.is_dir() else []
            for name in sorted(names, reverse=True):
                stem, extension = os.path.splitext(name)
                if extension == ".png" and PICTURE_ID.fullmatch(stem):
                    yield folder / name


def writable(folder: Path) -> Path:
    """The folder itself, made if need be. Raises StorageError when nothing can be saved there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise StorageError(
            f"Nothing can be saved in {folder}: {error.strerror}.",
            "Allow writing there, or choose another folder.",
        ) from error


def _info(file: Path) -> PictureInfo | None:
    """What a file says of itself, or None when it is no picture."""
    try:
        with Image.open(file, formats=["PNG"]) as image:
            width, height = image.size
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
        return None
    try:
        recipe = read_recipe(file)
        prompt, seed = recipe.prompt, recipe.seed
    except StudioError:
        prompt, seed = None, None
    created = datetime.strptime(file.stem[:15], "%Y%m%d-%H%M%S").isoformat()
    return PictureInfo(file.stem, width, height, created, prompt, seed)


def _shrink(original: Path, small: Path) -> None:
    try:
        with Image.open(original, formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise NotFound("This picture is too large for a small view.", "Open it itself.")
            pixels = image.convert("RGB")
        pixels.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        small.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=small.parent, delete=False) as partial:
            pixels.save(partial, "JPEG", quality=85)
        os.replace(partial.name, small)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise NotFound("This picture cannot be read.", "Its file may be damaged.") from error
