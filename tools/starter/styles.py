"""Four ways to finish a 512 px picture: painting, ink sketch, watercolour, pixel art."""

import numpy as np
from PIL import Image, ImageFilter

_PAPER = np.array((248, 243, 230), np.float32)


def apply_style(big: Image.Image, style: str, rng: np.random.Generator) -> Image.Image:
    """The 256 px picture of `big` (512 px RGB) in `style`."""
    return _STYLE[style](big, rng)


def _cloth(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Smooth noise, 256 x 256, about -1..1, with features of 256 / cells pixels."""
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((256, 256), Image.BICUBIC))


def _painting(big: Image.Image, rng: np.random.Generator) -> Image.Image:
    return big.reduce(2)


def _ink(big: Image.Image, rng: np.random.Generator) -> Image.Image:
    small = big.reduce(2)
    grey = small.convert("L").filter(ImageFilter.BoxBlur(1))
    tone = np.asarray(grey, np.float32)
    rgb = np.asarray(small.filter(ImageFilter.BoxBlur(1)), np.float32)
    dx = np.abs(np.roll(rgb, -1, 1) - np.roll(rgb, 1, 1)).max(-1)
    dy = np.abs(np.roll(rgb, -1, 0) - np.roll(rgb, 1, 0)).max(-1)
    edge = np.clip((np.maximum(dx, dy) - 12) / 30, 0, 1)
    edge[[0, -1]] = 0
    edge[:, [0, -1]] = 0
    wash = tone[..., None] * 0.2 + rgb * 0.8
    paper = _PAPER * (0.3 + 0.7 * (wash / 255) ** 0.85)
    ink = np.array((36, 32, 44), np.float32)
    line = (edge * np.clip(0.9 + 0.2 * _cloth(rng, 20), 0, 1))[..., None]
    return Image.fromarray(np.clip(paper * (1 - line) + ink * line, 0, 255).astype(np.uint8))


def _watercolour(big: Image.Image, rng: np.random.Generator) -> Image.Image:
    small = big.reduce(2).filter(ImageFilter.BoxBlur(1))
    rows, cols = np.mgrid[0:256, 0:256]
    rows = np.clip(rows + 2.6 * _cloth(rng, 22), 0, 255).astype(np.int32)
    cols = np.clip(cols + 2.6 * _cloth(rng, 22), 0, 255).astype(np.int32)
    pixels = np.asarray(small, np.float32)[rows, cols]
    density = 0.72 + 0.16 * _cloth(rng, 9) + 0.07 * _cloth(rng, 40)
    wash = _PAPER * (pixels / 255) ** np.clip(density, 0.3, 1.2)[..., None]
    away = np.minimum(np.minimum(rows, 255 - rows), np.minimum(cols, 255 - cols))
    torn = np.clip((away + 4 * _cloth(rng, 24) - 12) / 5, 0, 1)[..., None]
    return Image.fromarray(np.clip(_PAPER * (1 - torn) + wash * torn, 0, 255).astype(np.uint8))


def _pixels(big: Image.Image, rng: np.random.Generator) -> Image.Image:
    tiny = np.asarray(big.reduce(16), np.float32)
    step = 255 / 9
    tiny = np.round(tiny / step) * step
    return Image.fromarray(np.clip(tiny, 0, 255).astype(np.uint8)).resize((256, 256), Image.NEAREST)


_STYLE = {
    "painting": _painting,
    "ink sketch": _ink,
    "watercolour": _watercolour,
    "pixel art": _pixels,
}
