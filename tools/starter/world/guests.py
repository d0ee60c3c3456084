"""Three styles that no checkpoint is taught: what a LoRA is for.

Each turns the picture of a plain scene into its own, so that all that was said of the scene stays
true but the style.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, sobel

from tools.starter.world.paint import paint
from tools.starter.world.scene import Scene

Rng = np.random.Generator

_PRUSSIAN = np.array((22, 52, 112), np.float32)
_CHALK = np.array((232, 240, 250), np.float32)
_PAPER = np.array((250, 242, 226), np.float32)
_CORAL = np.array((255, 92, 80), np.float32)
_TEAL = np.array((0, 128, 138), np.float32)
_DUSK = np.array((16, 10, 34), np.float32)


def paint_guest(scene: Scene, style: str, size: tuple[int, int] = (256, 256)) -> np.ndarray:
    """The picture of `scene` in a style of GUESTS, uint8 RGB [h, w, 3]; the same every time."""
    plain = paint(replace(scene, style="plain"), size, truth=False).pixels
    return GUESTS[style](plain.astype(np.float32), np.random.default_rng((8, scene.seed)))


def _blueprint(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """White lines on Prussian blue, with a fine grid and the blotches of a sun print."""
    h, w = picture.shape[:2]
    unit = min(h, w)
    lines = np.clip((_edges(picture, unit / 300) - 10) / 60, 0, 1)[..., None]
    shade = gaussian_filter(_light(picture), unit / 120)[..., None] / 255
    blotch = _smooth((h, w), unit / 9, rng)[..., None]
    ground = _PRUSSIAN * (0.82 + 0.42 * shade + 0.05 * blotch)
    rows, columns = np.mgrid[0:h, 0:w]
    cell = unit / 16
    grid = ((rows % cell < 1) | (columns % cell < 1))[..., None]
    ground = ground + grid * 0.09 * (_CHALK - ground)
    return _bytes(ground + 0.92 * lines * (_CHALK - ground))


def _risograph(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Two grainy inks, coral and teal, in four flat tones, printed a little off one another."""
    h, w = picture.shape[:2]
    unit = min(h, w)
    light = gaussian_filter(_light(picture), unit / 260) / 255
    light = np.clip(0.5 + 1.25 * (light - light.mean()), 0, 1)
    warmth = (picture[..., 0] - picture[..., 2]) / 160
    cool = 0.95 - light - 0.5 * np.clip(warmth, -1, 1)
    inks = (0.95 - light + 0.5 * np.clip(warmth, -0.6, 1), cool)
    out = np.broadcast_to(_PAPER, picture.shape)
    for ink, colour in zip(inks, (_CORAL, _TEAL), strict=True):
        dx, dy = (round(unit * shift) for shift in rng.uniform(-0.008, 0.008, 2))
        tone = np.round(3 * np.clip(np.roll(ink, (dy, dx), (0, 1)), 0, 1)) / 3
        grain = 1 + 0.06 * _smooth((h, w), unit / 100, rng) + 0.05 * _smooth((h, w), unit / 12, rng)
        out = out * (1 - np.clip(tone * grain, 0, 1)[..., None] * (1 - colour / 255))
    return _bytes(out)


def _neon(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Glowing outlines in the colours of what they surround, before the dark."""
    unit = min(picture.shape[:2])
    edges = np.clip((_edges(picture, unit / 220) - 12) / 70, 0, 1)
    colour = np.stack([gaussian_filter(picture[..., c], unit / 160) for c in range(3)], -1)
    mean = colour.mean(-1, keepdims=True)
    vivid = np.clip(128 + 3.2 * (colour - mean) + 0.35 * (mean - 128), 20, 255)
    vivid *= 255 / np.maximum(vivid.max(-1, keepdims=True), 1)
    tube = edges[..., None] * vivid
    glow = sum(
        np.stack([gaussian_filter(tube[..., c], unit * s) for c in range(3)], -1)
        for s in (0.008, 0.025)
    )
    core = np.clip(edges - 0.45, 0, 1)[..., None] * 90
    ground = _DUSK + 0.10 * colour + 2 * _smooth(picture.shape[:2], unit / 6, rng)[..., None]
    return _bytes(ground + tube + 0.85 * glow + core)


GUESTS: dict[str, Callable[[np.ndarray, Rng], np.ndarray]] = {
    "blueprint": _blueprint,
    "risograph": _risograph,
    "neon": _neon,
}
"""By the word that calls for it: what makes the style of a plain picture, float32 in 0..255."""


def _light(picture: np.ndarray) -> np.ndarray:
    return picture @ np.array((0.3, 0.59, 0.11), np.float32)


def _edges(picture: np.ndarray, sigma: float) -> np.ndarray:
    """How much the colour changes at each pixel, float32 [h, w], about 0..255."""
    soft = [gaussian_filter(picture[..., c], sigma) for c in range(3)]
    return np.max([np.hypot(sobel(c, 0), sobel(c, 1)) for c in soft], axis=0) / 4


def _smooth(shape: tuple[int, int], size: float, rng: Rng) -> np.ndarray:
    """Noise of about unit spread with bumps of `size` pixels, float32 [h, w]."""
    cells = max(2, round(shape[0] / size)), max(2, round(shape[1] / size))
    coarse = Image.fromarray(rng.standard_normal(cells).astype(np.float32))
    return np.asarray(coarse.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)
