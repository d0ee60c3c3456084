"""The door through which every picture from outside comes in.

    door = Door()
    with open(path, "wb") as file:
        opened = door.open(data, file)      # file: an upright 8-bit sRGB PNG, with alpha if any
    opened.id, opened.width, opened.notices

Decoders are where pictures do harm. So the process that serves the page only reads a few bytes of
the header, in plain Python (`kinds`, `sizes`), and refuses what is too large or of another kind;
all else happens in a process of its own (`child`), which can write no file, gets a bounded amount
of memory and time, and costs one sentence when it dies. It is given the pixels alone (`bare`):
texts, previews and what cameras say stay outside.
"""

from pipelines.images.door import THUMBNAIL_SIDE, Door, Opened
from pipelines.images.sizes import FOREIGN, OWN, Limits

__all__ = ["FOREIGN", "OWN", "THUMBNAIL_SIDE", "Door", "Limits", "Opened"]
