"""How far the look of some pictures is from that of others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_gradient_magnitude

_LEVELS = np.linspace(0.005, 0.995, 100)
_SCALES = (0.7, 2.0)


def look(pictures: Sequence[Image.Image]) -> np.ndarray:
    """Colours and edges of all pixels together: 100 quantiles of each of five figures [5, 100].

    The figures are luma and the two chromas (ITU-R BT.601, 0..255) and the strength of edges in the
    luma, fine and coarse: the gradient's magnitude at two scales, 0.7 and 2 pixels, times four.
    """
    pixels = np.stack([np.asarray(picture.convert("YCbCr"), np.float64) for picture in pictures])
    edges = [
        4 * np.stack([gaussian_gradient_magnitude(luma, scale) for luma in pixels[..., 0]])
        for scale in _SCALES
    ]
    figures = [*np.moveaxis(pixels, -1, 0), *edges]
    return np.stack([np.quantile(figure, _LEVELS) for figure in figures])


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Between two looks: the first Wasserstein distance (the mean difference of the quantiles),
    mean over the five figures. 0 is the same look; levels of 255."""
    return float(np.abs(one - other).mean())
