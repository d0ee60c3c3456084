"""The contact sheet: one feature a row, four pictures each, and below each what was asked."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

from benchmarks.fidelity.finding import Row

COLUMNS = 4
SIDE = 256
_GAP, _HEAD, _FOOT = 16, 58, 50
_PAPER, _INK, _QUIET = "white", "#222222", "#70757a"


def contact_sheet(rows: Iterable[Row]) -> Image.Image:
    """The rows one below the other; those of the same title become one."""
    joined: dict[str, Row] = {}
    for row in rows:
        known = joined.get(row.title)
        tiles = (*known.tiles, *row.tiles) if known else row.tiles
        joined[row.title] = Row(row.title, row.told, tiles)
    height = _HEAD + SIDE + _FOOT
    sheet = Image.new("RGB", (_GAP + COLUMNS * (SIDE + _GAP), height * len(joined)), _PAPER)
    for number, row in enumerate(joined.values()):
        _paste_row(sheet, row, number * height)
    return sheet


def _paste_row(sheet: Image.Image, row: Row, top: int) -> None:
    pen = ImageDraw.Draw(sheet)
    pen.text((_GAP, top + 14), row.title, _INK, ImageFont.load_default(18))
    pen.text((_GAP, top + 37), row.told, _QUIET, ImageFont.load_default(13))
    for column, (label, picture) in enumerate(row.tiles[:COLUMNS]):
        left = _GAP + column * (SIDE + _GAP)
        sheet.paste(picture, (left, top + _HEAD))
        words = "\n".join(textwrap.wrap(label, 40)[:2])
        pen.text((left, top + _HEAD + SIDE + 5), words, _INK, ImageFont.load_default(13))
