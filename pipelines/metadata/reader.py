"""From a file back to what made it."""

from __future__ import annotations

from io import BytesIO
from os import PathLike
from typing import BinaryIO

from pipelines.errors import RecipeFileError
from pipelines.metadata import a1111, gesso, png
from pipelines.metadata.a1111 import Infotext
from pipelines.picture import Facts
from pipelines.recipe import Recipe

Source = bytes | str | PathLike[str]
"""The bytes of a file, or where it lies."""

_BOM = b"\xef\xbb\xbf"


def read_recipe(source: Source) -> Recipe:
    """The recipe in a PNG that Gesso saved, or in a `.json` file of one.

    Equal to the recipe that was saved; older versions are brought up to date. Raises
    RecipeFileError when there is none, RequestError when one of its fields is out of range.
    """
    with _open(source) as file:
        start = file.read(64).removeprefix(_BOM).lstrip()
        file.seek(0)
        if start.startswith(b"{"):
            return Recipe.from_json(file.read(png.TEXT_LIMIT).removeprefix(_BOM))
        return gesso.recipe_of(_own_text(file))


def read_facts(source: Source) -> Facts:
    """How a picture that Gesso saved was made. Raises RecipeFileError when it does not say."""
    with _open(source) as file:
        return gesso.facts_of(_own_text(file))


def read_infotext(source: Source) -> Infotext:
    """The settings of a PNG in A1111's format, which most apps write.

    Raises RecipeFileError when it has none.
    """
    with _open(source) as file:
        texts = png.read_texts(file)
    if a1111.KEYWORD not in texts:
        raise RecipeFileError(
            "This picture does not say how it was made.",
            "Give it as the program that made it saved it; messengers and editors strip this.",
        )
    return a1111.parse(texts[a1111.KEYWORD])


def _own_text(file: BinaryIO) -> str:
    texts = png.read_texts(file)
    if gesso.KEYWORD in texts:
        return texts[gesso.KEYWORD]
    if a1111.KEYWORD in texts:
        raise RecipeFileError(
            "This picture carries no Gesso recipe, only settings in A1111's format.",
            "Give a picture that Gesso saved, or type these settings in.",
        )
    raise RecipeFileError(
        "This picture carries no Gesso recipe.",
        "Give a picture as Gesso saved it; messengers and editors strip the recipe.",
    )


def _open(source: Source) -> BinaryIO:
    if isinstance(source, bytes):
        return BytesIO(source)
    try:
        return open(source, "rb")
    except (OSError, ValueError) as error:
        raise RecipeFileError(
            "The file cannot be opened.", "Check that it is there and may be read."
        ) from error
