"""Eight styles: each a pen (how colour is laid down) and a finish (what happens to the pixels)."""

from collections.abc import Callable

import numpy as np
import skia
from PIL import Image
from scipy.ndimage import uniform_filter
from scipy.spatial import Delaunay

from tools.starter.world.light import mix
from tools.starter.world.stage import Pen, Stage
from tools.starter.world.vocabulary import RGB

Rng = np.random.Generator
_PAPER: RGB = (250, 246, 234)
_INK: RGB = (38, 34, 46)
_LEAD: RGB = (24, 22, 28)


def pen_of(style: str) -> Pen:
    """How `style` lays colour."""
    return {
        "ink drawing": Pen(_wash, _INK, 0.0058),
        "stained glass": Pen(_saturate, _LEAD, 0.0085),
        "pastel": Pen(_chalk),
        "watercolour": Pen(_thin),
    }.get(style, Pen())


def finish(st: Stage, style: str, rng: Rng) -> np.ndarray:
    """The finished picture, uint8 RGB [h, w, 3]."""
    picture = st.pixels[..., :3]
    if style in _FINISH:
        picture = _FINISH[style](picture, st.unit, rng)
    return np.ascontiguousarray(picture)


def paint_leads(st: Stage, rng: Rng) -> None:
    """The lead lines that part sky and land into panes of glass."""
    cell = 0.21 * st.unit
    across, along = int(st.width / cell) + 3, int(st.height / cell) + 3
    grid = np.stack(np.meshgrid(np.arange(across) - 1.0, np.arange(along) - 1.0), -1)
    grid = (grid + rng.uniform(-0.3, 0.3, grid.shape)) * cell
    colour = st.colour_of_outline()
    for lines in (grid, grid.transpose(1, 0, 2)):
        for line in lines:
            st.mark([(float(x), float(y)) for x, y in line], 0.0085 * st.unit, colour)


def _wash(rgb: RGB) -> RGB:
    return mix(rgb, _PAPER, 0.28)


def _saturate(rgb: RGB) -> RGB:
    grey = (rgb[0] + rgb[1] + rgb[2]) / 3
    r, g, b = (grey + 1.45 * (v - grey) for v in rgb)
    return (r, g, b)


def _chalk(rgb: RGB) -> RGB:
    return mix(rgb, (255, 244, 240), 0.24)


def _thin(rgb: RGB) -> RGB:
    return mix(rgb, _PAPER, 0.12)


def _cloth(shape: tuple[int, int], cells: tuple[int, int], rng: Rng) -> np.ndarray:
    """Smooth noise of about unit spread, float32 [h, w], with `cells` (rows, columns) of bumps."""
    coarse = rng.standard_normal(cells).astype(np.float32)
    return np.asarray(
        Image.fromarray(coarse).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    )


def _cells(picture: np.ndarray, unit: int, size: float) -> tuple[int, int]:
    """How many bumps of `size` units fill the picture."""
    h, w = picture.shape[:2]
    return max(2, round(h / unit / size)), max(2, round(w / unit / size))


def _displaced(picture: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> np.ndarray:
    h, w = picture.shape[:2]
    rows = np.clip(np.arange(h)[:, None] + dy.astype(np.int32), 0, h - 1)
    columns = np.clip(np.arange(w)[None] + dx.astype(np.int32), 0, w - 1)
    return picture[rows, columns]


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture + 0.5, 0, 255).astype(np.uint8)


def _watercolour(picture: np.ndarray, unit: int, rng: Rng) -> np.ndarray:
    shape = picture.shape[:2]
    cells = _cells(picture, unit, 0.05)
    wobble = 0.006 * unit
    wet = _displaced(
        picture, wobble * _cloth(shape, cells, rng), wobble * _cloth(shape, cells, rng)
    )
    wet = wet.astype(np.float32)
    size = max(3, round(0.009 * unit) | 1)
    soft = uniform_filter(wet, size, axes=(0, 1), mode="nearest")
    wide = uniform_filter(soft, 3 * size, axes=(0, 1), mode="nearest")
    pooled = soft + np.minimum(0, 1.1 * (soft - wide))
    density = 0.74 + 0.16 * _cloth(shape, _cells(picture, unit, 0.14), rng)
    density += 0.07 * _cloth(shape, _cells(picture, unit, 0.018), rng)
    paper = np.array(_PAPER, np.float32)
    out = paper * np.power(np.clip(pooled, 2, 255) / 255, np.clip(density, 0.35, 1.2)[..., None])
    torn = _border(shape, unit, 0.04, _cloth(shape, _cells(picture, unit, 0.045), rng))
    return _bytes(paper + (out - paper) * torn[..., None])


def _border(shape: tuple[int, int], unit: int, wide: float, ragged: np.ndarray) -> np.ndarray:
    """0 at the picture's border, 1 inside, along a ragged line `wide` units from the edge."""
    rows = np.minimum(np.arange(shape[0]), np.arange(shape[0])[::-1])
    columns = np.minimum(np.arange(shape[1]), np.arange(shape[1])[::-1])
    away = np.minimum(rows[:, None], columns[None]).astype(np.float32) / unit
    return np.clip((away + 0.011 * ragged - wide) / 0.014, 0, 1).astype(np.float32)


def _ink(picture: np.ndarray, unit: int, rng: Rng) -> np.ndarray:
    h, w = picture.shape[:2]
    light = picture.astype(np.float32) @ np.array((0.3, 0.59, 0.11), np.float32)
    step = 0.0235 * unit
    across = np.arange(w)[None] + np.arange(h)[:, None]
    along = np.arange(w)[None] - np.arange(h)[:, None]
    wave = 0.006 * unit * _cloth((h, w), _cells(picture, unit, 0.1), rng)
    first = np.abs((across + wave) % step - step / 2) / step * 2
    second = np.abs((along + wave) % step - step / 2) / step * 2
    dark = np.clip((176 - light) / 150, 0, 0.62)
    darker = np.clip((120 - light) / 120, 0, 0.5)
    line = np.maximum(
        np.clip((first - 1 + dark) / 0.25, 0, 1), np.clip((second - 1 + darker) / 0.25, 0, 1)
    )
    hatched = picture + (np.array(_INK, np.float32) - picture) * (0.4 * line[..., None])
    torn = _border((h, w), unit, 0.028, _cloth((h, w), _cells(picture, unit, 0.06), rng))
    paper = np.array(_PAPER, np.float32)
    return _bytes(paper + (hatched - paper) * torn[..., None])


def _pixels(picture: np.ndarray, unit: int, rng: Rng) -> np.ndarray:
    h, w = picture.shape[:2]
    block = max(2, round(unit / 64))
    small = Image.fromarray(picture).resize((-(-w // block), -(-h // block)), Image.Resampling.BOX)
    levels = np.round(np.asarray(small, np.float32) / 255 * 13) / 13 * 255
    return np.repeat(np.repeat(_bytes(levels), block, 0), block, 1)[:h, :w]


def _glass(picture: np.ndarray, unit: int, rng: Rng) -> np.ndarray:
    shape = picture.shape[:2]
    swirl = 1.06 + 0.1 * _cloth(shape, _cells(picture, unit, 0.11), rng)
    swirl += 0.04 * _cloth(shape, _cells(picture, unit, 0.03), rng)
    return _bytes(picture * swirl[..., None])


def _pastel(picture: np.ndarray, unit: int, rng: Rng) -> np.ndarray:
    shape = picture.shape[:2]
    fine = rng.standard_normal((2, *shape)).astype(np.float32)
    rough = _displaced(picture, 0.004 * unit * fine[0], 0.004 * unit * fine[1]).astype(np.float32)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    grain = _cloth(shape, _cells(picture, unit, 0.017), rng)
    stroke = _cloth(shape, (max(2, shape[0] * 48 // unit), max(2, shape[1] * 7 // unit)), rng)
    stroke = stroke[(rows + columns // 2) % shape[0], columns]
    cover = np.clip(0.84 + 0.035 * stroke + 0.08 * grain, 0.45, 1)[..., None]
    paper = np.array((255, 240, 226), np.float32)
    return _bytes(rough + 0.7 * (paper - rough) * (1 - cover))


def _low_poly(picture: np.ndarray, unit: int, rng: Rng) -> np.ndarray:
    h, w = picture.shape[:2]
    small = np.asarray(Image.fromarray(picture).reduce(max(1, unit // 128)), np.float32)
    change = np.abs(np.diff(small, axis=0, append=small[-1:])).sum(-1)
    change += np.abs(np.diff(small, axis=1, append=small[:, -1:])).sum(-1)
    weight = np.cumsum(np.clip(change.ravel() - 24, 0, 90) + 0.25)
    count = int(760 * h * w / unit**2)
    picked = np.searchsorted(weight, rng.random(count) * weight[-1])
    scale = np.array((w / small.shape[1], h / small.shape[0]))
    edges = (np.stack((picked % small.shape[1], picked // small.shape[1]), -1) + 0.5) * scale
    cell = 0.085 * unit
    nx, ny = round(w / cell), round(h / cell)
    grid = np.stack(np.meshgrid(np.linspace(0, w, nx + 1), np.linspace(0, h, ny + 1)), -1)
    grid[1:-1, 1:-1] += rng.uniform(-0.33, 0.33, grid[1:-1, 1:-1].shape) * cell
    points = np.concatenate((grid.reshape(-1, 2), edges))
    corners = points[Delaunay(points).simplices]
    return _facets(picture, corners)


def _facets(picture: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Triangles [n, 3, 2] over the picture, each in its own mean colour, antialiased."""
    h, w = picture.shape[:2]
    middle = corners.mean(1, keepdims=True)
    samples = np.concatenate((middle, 0.45 * corners + 0.55 * middle), 1).astype(int)
    seen = picture[np.clip(samples[..., 1], 0, h - 1), np.clip(samples[..., 0], 0, w - 1)]
    tone = 1 + 0.095 * np.sin(7.0 * corners[:, 0, 0] + 3.0 * corners[:, 1, 1])[:, None]
    r, g, b = _bytes(seen.astype(np.float32).mean(1) * tone).astype(np.uint32).T
    colours = np.repeat((255 << 24) | (r << 16) | (g << 8) | b, 3).tolist()
    points = [skia.Point(x, y) for x, y in (2 * corners.reshape(-1, 2)).tolist()]
    large = np.zeros((2 * h, 2 * w, 4), np.uint8)
    surface = skia.Surface(large, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    vertices = skia.Vertices(skia.Vertices.kTriangles_VertexMode, points, None, colours)
    surface.getCanvas().drawVertices(vertices, skia.Paint(), skia.BlendMode.kDst)
    return np.asarray(Image.fromarray(large[..., :3]).reduce(2))


def _oil(picture: np.ndarray, unit: int, rng: Rng) -> np.ndarray:
    h, w = picture.shape[:2]
    canvas = np.dstack((picture, np.full((h, w), 255, np.uint8)))
    surface = skia.Surface(canvas, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    light = picture.astype(np.float32).mean(-1)
    soft = uniform_filter(light, max(3, round(0.03 * unit)), mode="nearest")
    gy, gx = np.gradient(soft)
    calm = 1.2 * _cloth((h, w), _cells(picture, unit, 0.35), rng)
    strong = np.hypot(gx, gy)
    angle = np.where(strong * unit > 200, np.arctan2(gy, gx) + np.pi / 2, 0.25 + calm)
    brush = _brush(rng)
    for spacing, long, limit in ((0.038, 0.105, -1.0), (0.02, 0.035, 150.0)):
        n = int(h * w / (spacing * unit) ** 2)
        xy = rng.random((n, 2)) * (w, h)
        column, row = xy.astype(int).T
        keep = strong[row, column] * unit > limit
        xy, column, row = xy[keep], column[keep], row[keep]
        colour = picture[row, column].astype(np.float32) + rng.normal(0, 12, (len(xy), 1))
        _stroke_all(surface.getCanvas(), brush, xy, angle[row, column], _bytes(colour), long * unit)
    relief = canvas[..., :3].astype(np.float32)
    ridge = relief.mean(-1)
    emboss = np.zeros_like(ridge)
    emboss[1:, 1:] = ridge[1:, 1:] - ridge[:-1, :-1]
    return _bytes(relief + np.clip(0.35 * emboss, -14, 14)[..., None])


def _brush(rng: Rng) -> skia.Image:
    """A bristly stroke, white with alpha, 64 x 20."""
    x, y = np.linspace(-1, 1, 64), np.linspace(-1, 1, 20)
    body = np.clip(3.2 * (1 - np.abs(x[None]) ** 3 - np.abs(y[:, None]) ** 3), 0, 1)
    bristle = 0.82 + 0.18 * np.repeat(rng.random((10, 1)), 2, 0)
    alpha = (255 * body * bristle).astype(np.uint8)
    sprite = np.repeat(alpha[..., None], 4, -1)
    return skia.Image.fromarray(
        np.ascontiguousarray(sprite), skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType
    )


def _stroke_all(
    canvas: skia.Canvas,
    brush: skia.Image,
    xy: np.ndarray,
    angle: np.ndarray,
    colour: np.ndarray,
    long: float,
) -> None:
    scale = long / 64
    r, g, b = colour.astype(np.uint32).T
    colours = ((255 << 24) | (r << 16) | (g << 8) | b).tolist()
    forms = [
        skia.RSXform.MakeFromRadians(scale, a, x, y, 32, 10)
        for a, (x, y) in zip(angle.tolist(), xy.tolist(), strict=True)
    ]
    frame = [skia.Rect(0, 0, 64, 20)] * len(forms)
    options = skia.SamplingOptions(skia.FilterMode.kLinear)
    canvas.drawAtlas(brush, forms, frame, colours, skia.BlendMode.kModulate, options)


_FINISH: dict[str, Callable[[np.ndarray, int, Rng], np.ndarray]] = {
    "watercolour": _watercolour,
    "oil painting": _oil,
    "ink drawing": _ink,
    "pixel art": _pixels,
    "stained glass": _glass,
    "low poly": _low_poly,
    "pastel": _pastel,
}
