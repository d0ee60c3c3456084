"""The sky: gradient, stars, sun or moon, clouds."""

import numpy as np
import skia

from tools.starter.world.light import mix
from tools.starter.world.scene import Scene
from tools.starter.world.shapes import disc, down, glow, oval, union
from tools.starter.world.stage import Stage


def paint_sky(st: Stage, scene: Scene, horizon: float, rng: np.random.Generator) -> None:
    """Everything above pixel row `horizon`, which gradient and haze fill to the bottom."""
    _paint_gradient(st, horizon)
    if scene.time == "night" and scene.weather == "clear":
        _paint_stars(st, horizon, rng)
    if st.light.disc:
        _paint_disc(st, scene, horizon)
    few = int(rng.integers(0, 3)) if scene.time != "night" else 0
    count = {"clear": few, "cloudy": 5, "rain": 6, "snow": 5}
    for i in range(count.get(scene.weather, 0)):
        _paint_cloud(st, scene.weather, i, horizon, rng)


def sun_at(st: Stage, horizon: float) -> tuple[float, float, float]:
    """Where sun or moon stand, and their radius, in pixels."""
    x, y = st.light.sun
    return x * st.width, y * horizon, (0.06 if y < 0.5 else 0.075) * st.unit


def _paint_gradient(st: Stage, horizon: float) -> None:
    tone = st.pen.tone or (lambda rgb: rgb)
    stops = [tone(colour) for colour in st.light.sky]
    at = np.arange(st.height) / horizon
    column = np.stack([np.interp(at, (0, 0.55, 1), [s[i] for s in stops]) for i in range(3)], -1)
    st.pixels[..., :3] = np.clip(column + 0.5, 0, 255).astype(np.uint8)[:, None]
    st.pixels[..., 3] = 255


def _paint_stars(st: Stage, horizon: float, rng: np.random.Generator) -> None:
    colour = st.colour((250, 246, 220), lit=False)
    count = int(34 * st.width * horizon / (0.5 * st.unit * st.unit))
    spots = rng.random((count, 3))
    stars = [
        disc(x * st.width, y * 0.92 * horizon, (0.0038 + 0.0045 * r**3) * st.unit)
        for x, y, r in spots
    ]
    st.shade(union(stars), colour)


def _paint_disc(st: Stage, scene: Scene, horizon: float) -> None:
    assert st.light.disc
    face, halo = st.light.disc
    x, y, r = sun_at(st, horizon)
    reach = r * {"sunset": 6.5, "dawn": 5.5}.get(scene.time, 3.6)
    strength = 150 if scene.time == "night" else 190
    shine = glow(x, y, reach, st.colour(halo, lit=False, alpha=strength))
    st.shade(disc(x, y, reach), 0xFFFFFFFF, shine)
    shape = disc(x, y, r)
    if scene.time == "night" and scene.crescent:
        shape = _crescent(x, y, r)
    with st.being("sun or moon", 1.0):
        st.fill(shape, st.colour(face, lit=False))


def _crescent(x: float, y: float, r: float) -> skia.Path:
    """A disc less another, 0.86 of its size, whose middle lies 0.573 r to the upper right."""
    turn, outer, inner = -29.2, 59.1, 86.0
    cx, cy, bite = x + 0.5 * r, y - 0.28 * r, 0.86 * r
    path = skia.Path()
    whole = skia.Rect(x - r, y - r, x + r, y + r)
    path.arcTo(whole, turn + outer, 360 - 2 * outer, True)
    gone = skia.Rect(cx - bite, cy - bite, cx + bite, cy + bite)
    path.arcTo(gone, turn + 180 + inner, -2 * inner, False)
    path.close()
    return path


def _paint_cloud(st: Stage, weather: str, i: int, horizon: float, rng: np.random.Generator) -> None:
    heavy = weather in ("rain", "snow")
    wide = st.unit * rng.uniform(0.13, 0.2) * {"clear": 0.62, "cloudy": 1.15}.get(weather, 1.5)
    step = st.width / {"clear": 3, "cloudy": 5}.get(weather, 6)
    x = (i + rng.uniform(0.1, 0.9)) * step
    y = horizon * (rng.uniform(0.02, 0.34) if heavy else rng.uniform(0.14, 0.66))
    flat = 0.62 if weather == "clear" else 1.0
    lumps, base = [], y + 0.2 * wide
    for k in np.linspace(-1, 1, 5):
        r = wide * (0.62 - 0.36 * k * k) * flat * rng.uniform(0.85, 1.1)
        lumps.append(oval(x + k * wide, base - 0.8 * r, 1.12 * r, 0.8 * r))
    foot = skia.Rect(x - 1.22 * wide, base - 0.3 * wide * flat, x + 1.22 * wide, base)
    shape = union([*lumps, skia.Path.RRect(foot, 0.15 * wide * flat, 0.15 * wide * flat)])
    bright, below = st.light.cloud
    top = base - 1.1 * wide * flat
    with st.being("cloud", 1.0):
        shader = down(
            top,
            base,
            st.colour(bright, lit=False),
            st.colour(mix(bright, below, 0.35), lit=False),
            st.colour(below, lit=False),
        )
        st.fill(shape, st.colour(bright, lit=False), shader=shader)
