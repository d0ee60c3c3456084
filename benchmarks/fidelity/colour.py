"""How red a picture is, and where."""

from __future__ import annotations

import numpy as np
from PIL import Image


def redness(picture: Image.Image) -> np.ndarray:
    """How far red exceeds the greater of green and blue at each pixel, 0..1, float [h, w].

    An eighth is taken off first, so that a brown path or a pink cloud counts for little.
    """
    red, green, blue = np.moveaxis(np.asarray(picture, np.float64) / 255, -1, 0)
    return np.clip(red - np.maximum(green, blue) - 0.125, 0, 1)
