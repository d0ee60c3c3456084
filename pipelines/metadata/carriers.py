"""Texts by keyword, whichever kind of picture carries them."""

from __future__ import annotations

import re
from io import BytesIO

from pipelines.errors import RecipeFileError
from pipelines.metadata import containers, exif, png

COMMENT = "UserComment"
"""Keyword under which EXIF's comment is given: it may be settings, or any remark."""

_TAGS = {
    exif.USER_COMMENT: COMMENT,
    exif.SOFTWARE: "Software",
    exif.MAKER_NOTE: "fooocus_scheme",
}
_KEYED = re.compile(r"(prompt|workflow):(?=\s*\{)", re.IGNORECASE)
"""How ComfyUI puts its two texts into tags meant for cameras."""


def read_texts(data: bytes) -> dict[str, str]:
    """The texts of a PNG, JPEG or WebP, under the keywords their writers use in a PNG.

    Decodes no pixel. Raises RecipeFileError for any other file.
    """
    if data.startswith(png.SIGNATURE):
        return png.read_texts(BytesIO(data))
    if not data.startswith(containers.JPEG) and not containers.is_webp(data):
        raise RecipeFileError(
            "This file is not a PNG, JPEG or WebP picture.",
            "Give a picture as the program that made it saved it.",
        )
    texts: dict[str, str] = {}
    for tag, text in exif.read_texts(data).items():
        if keyed := _KEYED.match(text):
            texts[keyed[1].lower()] = text[keyed.end() :]
        elif tag in _TAGS:
            texts[_TAGS[tag]] = text
    return texts
