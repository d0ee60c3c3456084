"""Gesso's own text chunk: the recipe and the facts of a picture, as JSON.

{"recipe": {"version": 1, "prompt": ..., ...}, "facts": {"device": ..., ...}}
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from pipelines.errors import RecipeFileError
from pipelines.picture import Facts
from pipelines.recipe import Recipe

KEYWORD = "gesso"


def write(recipe: Recipe, facts: Facts) -> str:
    """The text of the chunk; equal values give equal texts."""
    lasting = facts.model_dump_json(exclude={"seconds"})
    return f'{{"recipe":{recipe.to_json()},"facts":{lasting}}}'


def recipe_of(text: str) -> Recipe:
    """The recipe in the text of a chunk.

    Raises RecipeFileError when there is none, RequestError naming a field that is out of range.
    """
    return Recipe.of(_part(text, "recipe"))


def facts_of(text: str) -> Facts:
    """The facts in the text of a chunk. Raises RecipeFileError when there are none."""
    try:
        return Facts.model_validate(_part(text, "facts"))
    except ValidationError as error:
        raise _damaged() from error


def _part(text: str, name: str) -> Any:
    try:
        part = json.loads(text)[name]
        json.dumps(part, ensure_ascii=False).encode()  # half of a pair of escapes is no text
        return part
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise _damaged() from error


def _damaged() -> RecipeFileError:
    return RecipeFileError(
        "The recipe in this picture is damaged.", "Give a picture that Gesso saved, unedited."
    )
