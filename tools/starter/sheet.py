"""Contact sheets."""

from collections.abc import Sequence

from PIL import Image


def contact_sheet(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """`pictures`, all of one size, in rows of `columns`."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i % columns * width, i // columns * height))
    return sheet
