"""What a picture of any app says of how it was made.

found = settings_of(data)
found.app, found.asked, found.ignored
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.draft import Draft
from pipelines.errors import RecipeFileError
from pipelines.metadata import (
    a1111,
    carriers,
    comfyui,
    drawthings,
    fooocus,
    foreign,
    gesso,
    invokeai,
    novelai,
    objects,
    swarmui,
)
from pipelines.metadata.a1111 import Infotext
from pipelines.picture import Facts
from pipelines.recipe import Recipe

_VERSIONS = {
    r"Gesso\b": "Gesso",
    r"ComfyUI\b": "ComfyUI",
    r"Fooocus\b": "Fooocus",
    r"f\d|neo\b|classic\b": "Forge",
    r"v?\d+\.\d": "A1111",
}
"""How the `Version` of an infotext begins, by app."""

_READERS = (invokeai, novelai, drawthings, comfyui)
"""Apps that keep their settings elsewhere than A1111; its own are read first."""


@dataclass(frozen=True)
class Found:
    """The settings of a picture and the app that wrote them.

    `asked` is the exact recipe where Gesso wrote it, else the draft that comes closest. `facts`
    are of Gesso's own pictures. `fields` are an infotext's, as they stand, and `ignored` the names
    of those that `asked` does not follow.
    """

    app: str
    asked: Recipe | Draft
    facts: Facts | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


def settings_of(data: bytes) -> Found:
    """The settings in the bytes of a PNG, JPEG or WebP. Decodes no pixel.

    Raises RecipeFileError when there are none that Gesso reads, RequestError when a field of a
    Gesso recipe is out of range.
    """
    texts = carriers.read_texts(data)
    if gesso.KEYWORD in texts:
        return _own(texts[gesso.KEYWORD])
    if read := _of_an_object(texts):
        return _followed(*read)
    if app := foreign.maker(texts):
        raise RecipeFileError(
            f"This picture was made by {app}, whose settings Gesso does not read.",
            "Type them in.",
        )
    infotext = _infotext(texts)
    if infotext is None:
        raise RecipeFileError(
            "This picture does not say how it was made.",
            "Give it as the program that made it saved it; messengers and editors strip this.",
        )
    return _followed(_app(texts, infotext), infotext)


def _own(text: str) -> Found:
    facts = None
    with contextlib.suppress(RecipeFileError):
        facts = gesso.facts_of(text)
    return Found("Gesso", gesso.recipe_of(text), facts)


def _followed(app: str, infotext: Infotext) -> Found:
    draft, ignored = a1111.to_draft(infotext)
    return Found(app, draft, None, infotext.fields, tuple(ignored))


def _of_an_object(texts: Mapping[str, str]) -> tuple[str, Infotext] | None:
    """The app and the settings, where they are a JSON object that is known."""
    settings = objects.load(texts.get(a1111.KEYWORD) or texts.get(carriers.COMMENT) or "")
    if settings is not None and "base_model" in settings:
        return "Fooocus", fooocus.infotext(settings)
    if settings is not None and swarmui.MARK in settings:
        return swarmui.APP, swarmui.infotext(settings)
    if a1111.KEYWORD in texts:
        return None
    read = ((reader.APP, reader.read(texts)) for reader in _READERS)
    return next(((app, infotext) for app, infotext in read if infotext is not None), None)


def _infotext(texts: Mapping[str, str]) -> Infotext | None:
    if text := texts.get(a1111.KEYWORD, "").strip():
        return a1111.parse(text)
    # Cameras and screenshots leave remarks there.
    remark = a1111.parse(texts.get(carriers.COMMENT, ""))
    return remark if remark.fields else None


def _app(texts: Mapping[str, str], infotext: Infotext) -> str:
    version = infotext.fields.get("Version", "")
    if texts.get("fooocus_scheme") == "a1111":
        return "Fooocus"
    if "SD.Next" in infotext.fields.get("App", ""):
        return "SD.Next"
    found = (app for start, app in _VERSIONS.items() if re.match(start, version))
    return next(found, "another app")
