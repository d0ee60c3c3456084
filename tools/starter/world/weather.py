"""What falls or hangs in the air: rain, snow, fog."""

import numpy as np
import skia

from tools.starter.world.light import mix
from tools.starter.world.shapes import box, disc, down, union
from tools.starter.world.stage import Stage


def paint_weather(st: Stage, weather: str, horizon: float, rng: np.random.Generator) -> None:
    """Rain, snowflakes or thin mist before everything; nothing when clear or cloudy."""
    if weather == "rain":
        _rain(st, rng)
    elif weather == "snow":
        _snow(st, rng)
    elif weather == "fog":
        _mist(st, horizon, rng)


def _rain(st: Stage, rng: np.random.Generator) -> None:
    bright = mix(st.light.haze, (255, 255, 255), 0.62)
    colour = st.colour(bright, lit=False, alpha=150)
    if st.pen.outline and not st.light.glowing:
        colour = st.colour(mix(st.light.haze, (40, 60, 120), 0.75), lit=False, alpha=170)
    count = int(46 * st.width * st.height / st.unit**2)
    slant = 0.22 if st.light.sun[0] > 0.5 else -0.22
    path = skia.Path()
    for x, y, r in rng.random((count, 3)):
        long = (0.045 + 0.04 * r) * st.unit
        px, py = x * st.width * 1.1 - 0.05 * st.width, y * st.height
        path.moveTo(px, py)
        path.lineTo(px + slant * long, py + long)
    paint = skia.Paint(
        AntiAlias=True,
        Color=colour,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=0.0068 * st.unit,
        StrokeCap=skia.Paint.kRound_Cap,
    )
    st.canvas.drawPath(path, paint)


def _snow(st: Stage, rng: np.random.Generator) -> None:
    count = int(85 * st.width * st.height / st.unit**2)
    flakes = [
        disc(x * st.width, y * st.height, (0.0055 + 0.009 * r * r) * st.unit)
        for x, y, r in rng.random((count, 3))
    ]
    st.shade(union(flakes), st.colour((250, 252, 255), lit=False, alpha=235))


def paint_fog_bank(st: Stage, horizon: float) -> None:
    """Thick fog about the horizon, behind what is near."""
    deep, haze = st.height - horizon, st.light.haze
    veil = st.colour(haze, lit=False, alpha=180)
    clear = veil & 0x00FFFFFF
    top, low = horizon - 0.75 * horizon, horizon + 0.42 * deep
    st.shade(box(0, top, st.width, horizon), veil, down(top, horizon, clear, veil))
    st.shade(box(0, horizon, st.width, low), veil, down(horizon, low, veil, clear))


def _mist(st: Stage, horizon: float, rng: np.random.Generator) -> None:
    deep, haze = st.height - horizon, st.light.haze
    thin = st.colour(haze, lit=False, alpha=30)
    st.shade(box(0, 0, st.width, st.height), thin)
    for k in (0.3, 0.62, 0.9):
        y, tall = horizon + (k + rng.uniform(-0.06, 0.06)) * deep, 0.1 * deep
        middle = st.colour(haze, lit=False, alpha=66)
        band = down(y - tall, y + tall, middle & 0x00FFFFFF, middle, middle & 0x00FFFFFF)
        st.shade(box(0, y - tall, st.width, y + tall), middle, band)
