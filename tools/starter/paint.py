"""Paints a scene: sky, ground, thing, then style. Drawn at 512 px, delivered at 256."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tools.starter.scene import Scene
from tools.starter.styles import apply_style
from tools.starter.things import paint_thing

SIZE = 256
BIG = 2 * SIZE

_SKY_STOPS = {
    "clear day": ((58, 132, 222), (118, 184, 240), (206, 233, 248)),
    "sunset": ((84, 52, 128), (232, 98, 88), (255, 198, 104)),
    "night": ((8, 12, 42), (20, 30, 78), (52, 70, 124)),
    "cloudy": ((126, 138, 152), (164, 174, 184), (206, 211, 214)),
    "dawn": ((126, 150, 214), (240, 178, 204), (255, 228, 200)),
}
_TINT = {
    "clear day": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.84, 0.76),
    "night": (0.5, 0.56, 0.8),
    "cloudy": (0.86, 0.88, 0.9),
    "dawn": (1.0, 0.92, 0.95),
}
_CLOUD = {
    "clear day": ((255, 255, 255), (216, 230, 244)),
    "sunset": ((255, 170, 120), (176, 92, 128)),
    "night": ((52, 64, 110), (30, 38, 80)),
    "cloudy": ((226, 230, 234), (150, 158, 168)),
    "dawn": ((255, 236, 232), (226, 178, 206)),
}


class Canvas:
    """A 512 px picture under one light: colours given to it are tinted by the time of day."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.rng = np.random.default_rng((2, scene.seed))
        self.image = Image.new("RGB", (BIG, BIG))
        self.draw = ImageDraw.Draw(self.image)
        self.tint = np.array(_TINT[scene.sky])
        self.haze = np.array(_SKY_STOPS[scene.sky][2], float)

    def lit(self, colour, strength: float = 1.0) -> tuple[int, int, int]:
        """`colour` (0..255) under the scene's light, brightened by `strength`."""
        r, g, b = np.clip(np.asarray(colour, float) * self.tint * strength, 0, 255)
        return int(r), int(g), int(b)

    def far(self, colour, distance: float) -> tuple[int, int, int]:
        """`colour` seen through air: `distance` 0 is here, 1 is lost in the haze."""
        lit = np.asarray(self.lit(colour), float)
        r, g, b = lit + (self.haze - lit) * distance
        return int(r), int(g), int(b)

    def gradient(self, top, bottom, y0: float, mask: Image.Image | None = None, mid=None) -> None:
        """Fill from row `y0` (0..1) down, through `mask`, from `top` to `bottom` (by `mid`)."""
        stops = [top, bottom] if mid is None else [top, mid, bottom]
        row = int(y0 * BIG)
        ramp = np.linspace(0, 1, BIG - row)
        at = np.linspace(0, 1, len(stops))
        column = np.stack([np.interp(ramp, at, [s[i] for s in stops]) for i in range(3)], -1)
        strip = Image.fromarray(column.astype(np.uint8)[:, None]).resize((BIG, BIG - row))
        self.image.paste(strip, (0, row), None if mask is None else mask.crop((0, row, BIG, BIG)))


def paint(scene: Scene) -> Image.Image:
    """The 256 px RGB picture of `scene`; the same scene gives the same pixels."""
    canvas = Canvas(scene)
    horizon = canvas.rng.uniform(0.5, 0.62)
    _paint_sky(canvas, horizon)
    _GROUND[scene.ground](canvas, horizon)
    if scene.thing != "none":
        paint_thing(canvas)
    return apply_style(canvas.image, scene.style, canvas.rng)


def _paint_sky(c: Canvas, horizon: float) -> None:
    top, mid, low = _SKY_STOPS[c.scene.sky]
    c.gradient(top, low, 0.0, mid=mid)
    low_sky = Image.fromarray(np.full((1, 1, 3), low, np.uint8)).resize((BIG, BIG))
    fade = np.clip((np.arange(BIG) / BIG - 0.1) / (horizon - 0.1), 0, 1) ** 2 * 255
    c.image.paste(
        low_sky, (0, 0), Image.fromarray(fade.astype(np.uint8)[:, None]).resize((BIG, BIG))
    )
    if c.scene.sky == "night":
        _paint_stars(c, horizon)
    if c.scene.orb != "none":
        _paint_orb(c, horizon)
    _paint_clouds(c, horizon)


def _paint_stars(c: Canvas, horizon: float) -> None:
    for _ in range(26):
        x, y = c.rng.uniform(0, BIG), c.rng.uniform(0, horizon * BIG * 0.95)
        r = c.rng.uniform(1.6, 3.6)
        c.draw.ellipse((x - r, y - r, x + r, y + r), (240, 240, 220))


def _paint_orb(c: Canvas, horizon: float) -> None:
    side = c.rng.choice((-1, 1))
    x = BIG * (0.5 + side * c.rng.uniform(0.18, 0.36))
    low = c.scene.sky in ("sunset", "dawn")
    y = BIG * (c.rng.uniform(horizon - 0.16, horizon - 0.04) if low else c.rng.uniform(0.12, 0.26))
    r = c.rng.uniform(30, 42)
    glow = {
        "clear day": (255, 246, 200),
        "sunset": (255, 176, 96),
        "dawn": (255, 220, 190),
        "night": (120, 140, 200),
    }[c.scene.sky]
    face = {
        "clear day": (255, 228, 92),
        "sunset": (255, 214, 110),
        "dawn": (255, 244, 196),
        "night": (246, 242, 214),
    }[c.scene.sky]
    grid = np.arange(64) * 8 + 4
    d = np.hypot(grid[None] - x, grid[:, None] - y)
    halo = np.clip(150 * np.exp(-np.maximum(d - r, 0) / 60), 0, 255).astype(np.uint8)
    c.image.paste(glow, (0, 0, BIG, BIG), Image.fromarray(halo).resize((BIG, BIG), Image.BILINEAR))
    c.orb_x = x
    if c.scene.sky == "night" and c.rng.random() < 0.5:
        mask = Image.new("L", (BIG, BIG))
        pen = ImageDraw.Draw(mask)
        pen.ellipse((x - r, y - r, x + r, y + r), 255)
        pen.ellipse((x - r * 0.4, y - r * 1.15, x + r * 1.5, y + r * 0.75), 0)
        c.image.paste(face, (0, 0, BIG, BIG), mask)
    else:
        c.draw.ellipse((x - r, y - r, x + r, y + r), face)


def _paint_clouds(c: Canvas, horizon: float) -> None:
    light, dark = _CLOUD[c.scene.sky]
    count = {"clear day": 3, "cloudy": 9, "night": 1}.get(c.scene.sky, 4)
    flat = c.scene.sky in ("sunset", "dawn", "night")
    top, under = Image.new("L", (128, 128)), Image.new("L", (128, 128))
    pens = ImageDraw.Draw(top), ImageDraw.Draw(under)
    for _ in range(count):
        x, y = c.rng.uniform(0, 128), c.rng.uniform(8, 128 * horizon - 14)
        width = c.rng.uniform(12, 24) * (1.2 if c.scene.sky == "cloudy" else 1)
        for k in np.linspace(-1, 1, 5):
            r = width * (0.62 - 0.38 * k * k) * (0.32 if flat else 0.72)
            cx = x + k * width + c.rng.uniform(-2, 2)
            spread = width * 0.5 if flat else r
            pens[1].ellipse((cx - spread, y - r * 0.7, cx + spread, y + r * 0.9), 255)
            pens[0].ellipse((cx - spread, y - r * 1.1, cx + spread, y + r * 0.35), 255)
    for mask, colour, alpha in ((under, dark, 0.85), (top, light, 0.9)):
        soft = mask.filter(ImageFilter.GaussianBlur(1.2)).point(lambda v, a=alpha: int(v * a))
        c.image.paste(colour, (0, 0, BIG, BIG), soft.resize((BIG, BIG), Image.BILINEAR))


def _ridge(c: Canvas, y: float, height: float, waves: tuple[float, ...]) -> np.ndarray:
    """Row of a smooth ridge at each of 65 columns, in pixels: `y` and `height` are 0..1."""
    x = np.linspace(0, 1, 65)
    line = sum(np.sin(2 * np.pi * (w * x + c.rng.random())) / (i + 1) for i, w in enumerate(waves))
    return (y - height * line / 1.5) * BIG


def _fill_below(c: Canvas, line: np.ndarray, top, bottom) -> None:
    xs = np.linspace(0, BIG, len(line))
    mask = Image.new("L", (BIG, BIG))
    points = [*zip(xs.tolist(), line.tolist(), strict=True), (BIG, BIG), (0, BIG)]
    ImageDraw.Draw(mask).polygon(points, 255)
    c.gradient(top, bottom, max(line.min(), 0) / BIG, mask)


def _meadow(c: Canvas, horizon: float) -> None:
    _fill_below(
        c,
        _ridge(c, horizon - 0.02, 0.025, (2, 5, 9)),
        c.far((70, 120, 80), 0.45),
        c.far((70, 120, 80), 0.45),
    )
    _fill_below(
        c,
        _ridge(c, horizon + 0.02, 0.012, (0.7, 1.3)),
        c.far((150, 200, 90), 0.2),
        c.lit((62, 140, 50)),
    )
    for _ in range(34):
        t = c.rng.random() ** 0.7
        x, y = c.rng.uniform(0, BIG), (horizon + 0.06 + (0.92 - horizon) * t) * BIG
        h = 5 + 16 * t
        shade = c.lit((46, 116, 44) if c.rng.random() < 0.5 else (120, 186, 70))
        for lean in (-0.5, 0.0, 0.5):
            c.draw.line((x, y, x + lean * h, y - h), shade, 3)


def _hills(c: Canvas, horizon: float) -> None:
    for i, far in enumerate((0.7, 0.45, 0.22, 0.0)):
        y = horizon - 0.08 + 0.1 * i
        green = ((96, 150, 110), (104, 164, 92), (96, 168, 72), (84, 158, 58))[i]
        dark = tuple(int(v * 0.72) for v in green)
        _fill_below(c, _ridge(c, y, 0.075, (0.9, 1.7)), c.far(green, far), c.far(dark, far * 0.6))


def _peaks(c: Canvas, base: float, height: float, far: float) -> None:
    count = int(c.rng.integers(3, 5))
    for i in c.rng.permutation(count):
        x = BIG * ((i + 0.5) / count + c.rng.uniform(-0.08, 0.08))
        top = BIG * (base - height * c.rng.uniform(0.65, 1.0))
        foot, half = BIG * (base + 0.02), BIG * c.rng.uniform(0.2, 0.3)
        split = x + half * c.rng.uniform(-0.1, 0.25)
        c.draw.polygon((x, top, x - half, foot, x + half, foot), c.far((124, 132, 156), far))
        c.draw.polygon((x, top, split, foot, x + half, foot), c.far((84, 92, 122), far))
        cap = 0.34
        left, right = x - half * cap, x + half * cap
        line = top + (foot - top) * cap
        mid = x + (split - x) * cap
        zig = line + 0.06 * (foot - top)
        c.draw.polygon(
            (x, top, left, line, (left + mid) / 2, line - 8, mid, zig),
            c.far((250, 250, 255), far * 0.6),
        )
        c.draw.polygon(
            (x, top, mid, zig, (right + mid) / 2, line - 8, right, line),
            c.far((200, 212, 236), far * 0.6),
        )


def _mountains(c: Canvas, horizon: float) -> None:
    _peaks(c, horizon + 0.02, 0.3, 0.5)
    _peaks(c, horizon + 0.06, 0.36, 0.12)
    _fill_below(
        c,
        _ridge(c, horizon + 0.07, 0.03, (1.1, 2.3)),
        c.far((86, 128, 84), 0.2),
        c.lit((52, 98, 60)),
    )


def _desert(c: Canvas, horizon: float) -> None:
    for i, far in enumerate((0.45, 0.2, 0.0)):
        line = _ridge(c, horizon + 0.1 * i, 0.055, (0.8, 1.5))
        _fill_below(c, line, c.far((244, 206, 130), far), c.far((214, 158, 84), far * 0.5))
        for k in range(3):
            x, drop = c.rng.uniform(0.05, 0.95) * BIG, (0.03 + 0.025 * k) * BIG
            at = np.linspace(x - 70, x + 70, 9)
            rows = np.interp(at, np.linspace(0, BIG, 65), line) + drop
            c.draw.line(
                [*zip(at.tolist(), rows.tolist(), strict=True)], c.far((202, 146, 78), far * 0.7), 4
            )


def _sea(c: Canvas, horizon: float) -> None:
    flat = np.full(65, horizon * BIG)
    deep = {"sunset": (120, 96, 150), "dawn": (120, 150, 200)}.get(c.scene.sky, (24, 92, 168))
    pale = {"sunset": (255, 170, 120), "dawn": (236, 200, 214)}.get(c.scene.sky, (110, 190, 226))
    _fill_below(c, flat, c.far(pale, 0.25), c.lit(deep))
    glow = c.lit((255, 236, 190), 1.0) if c.scene.orb == "sun" else c.lit((240, 244, 255), 1.1)
    for _ in range(26):
        t = c.rng.random()
        y = (horizon + 0.02 + (0.96 - horizon) * t) * BIG
        w = 14 + 46 * t
        x = c.rng.uniform(0, BIG)
        c.draw.rounded_rectangle((x - w, y, x + w, y + 3 + 3 * t), 3, c.far(pale, 0.15))
    if c.scene.orb != "none":
        for k in range(9):
            y = (horizon + 0.02 + 0.045 * k) * BIG
            w = c.rng.uniform(14, 34) + 2 * k
            x = c.orb_x + c.rng.uniform(-8, 8)
            c.draw.rounded_rectangle((x - w, y, x + w, y + 5), 3, glow)


def _snow(c: Canvas, horizon: float) -> None:
    _fill_below(
        c,
        _ridge(c, horizon - 0.03, 0.05, (1.2, 2.1)),
        c.far((190, 206, 232), 0.35),
        c.far((206, 218, 238), 0.3),
    )
    for _ in range(7):
        x, y = c.rng.uniform(0, BIG), (horizon + c.rng.uniform(0.0, 0.03)) * BIG
        h = c.rng.uniform(26, 48)
        for k in (0.0, 0.3, 0.6):
            w = h * (0.16 + 0.26 * k)
            c.draw.polygon(
                (x, y - h * (1 - k), x - w, y - h * (0.55 - k), x + w, y - h * (0.55 - k)),
                c.far((62, 96, 92), 0.3),
            )
    _fill_below(
        c,
        _ridge(c, horizon + 0.06, 0.03, (0.8, 1.7)),
        c.lit((244, 248, 255)),
        c.lit((214, 226, 246)),
    )
    _fill_below(
        c,
        _ridge(c, horizon + 0.2, 0.035, (0.7, 1.4)),
        c.lit((255, 255, 255)),
        c.lit((222, 232, 250)),
    )


_GROUND = {
    "meadow": _meadow,
    "hills": _hills,
    "mountains": _mountains,
    "desert": _desert,
    "sea": _sea,
    "snow": _snow,
}
