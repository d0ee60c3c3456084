"""Light by time of day and weather: the sky's colours, the tint of things, haze and shadows."""

from dataclasses import dataclass

from tools.starter.world.scene import Scene
from tools.starter.world.vocabulary import RGB

_CLEAR = {
    "dawn": ((120, 142, 212), (238, 182, 204), (255, 226, 196)),
    "day": ((64, 138, 224), (126, 190, 242), (214, 238, 250)),
    "sunset": ((66, 48, 126), (226, 92, 100), (255, 192, 98)),
    "night": ((8, 12, 42), (20, 32, 82), (56, 78, 136)),
}
_OVERCAST = {
    "dawn": (206, 182, 200),
    "day": (186, 197, 207),
    "sunset": (204, 138, 118),
    "night": (40, 48, 78),
}
_FOG = {
    "dawn": (232, 208, 216),
    "day": (222, 228, 230),
    "sunset": (232, 176, 142),
    "night": (70, 80, 112),
}
_GREYNESS = {"clear": 0.0, "cloudy": 0.45, "rain": 0.78, "snow": 0.72, "fog": 0.85}
_TINT = {
    "dawn": (1.0, 0.92, 0.97),
    "day": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.82, 0.72),
    "night": (0.52, 0.58, 0.84),
}
_CLOUDS = {
    "dawn": ((255, 238, 234), (218, 170, 204)),
    "day": ((255, 255, 255), (200, 216, 234)),
    "sunset": ((255, 182, 124), (168, 84, 128)),
    "night": ((58, 70, 116), (30, 38, 78)),
}
_DISC = {
    "dawn": ((255, 246, 206), (255, 226, 190)),
    "day": ((255, 230, 96), (255, 244, 190)),
    "sunset": ((255, 216, 112), (255, 160, 84)),
    "night": ((248, 244, 218), (116, 138, 204)),
}
_MOONLIGHT: RGB = (150, 164, 214)
_HEIGHT = {"dawn": 0.8, "day": 0.3, "sunset": 0.84, "night": 0.36}
_REACH = {"dawn": 1.0, "day": 0.45, "sunset": 1.25, "night": 0.55}


def mix(a: RGB, b: RGB, t: float) -> RGB:
    """From `a` (t = 0) to `b` (t = 1)."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t)


@dataclass(frozen=True)
class Light:
    """Colours are RGB, 0..255; `tint` multiplies (0..1).

    `sky` holds the top, middle and horizon colour. `air` is how much of a far thing the haze takes
    (0..1). `sun` is where sun or moon stand, as fractions of width and of the sky's height, seen or
    not; `disc` holds their face and glow, None where clouds hide them. `shadow` is the darkness of
    cast shadows (0..1), `reach` their length in heights of the thing.
    """

    sky: tuple[RGB, RGB, RGB]
    tint: RGB
    haze: RGB
    air: float
    cloud: tuple[RGB, RGB]
    sun: tuple[float, float]
    disc: tuple[RGB, RGB] | None
    shadow: float
    reach: float
    glowing: bool

    def on(self, colour: RGB, distance: float = 0.0, softness: float = 0.0) -> RGB:
        """`colour` under this light, seen through `distance` (0..1) of air.

        `softness` (0..1) holds the tint back, so that a named colour keeps its name.
        """
        keep = 1 - softness
        if softness and self.glowing:
            colour = mix(colour, _MOONLIGHT, 0.12 if max(colour) > 90 else 0.22)
        tinted = (
            colour[0] * (1 - keep * (1 - self.tint[0])),
            colour[1] * (1 - keep * (1 - self.tint[1])),
            colour[2] * (1 - keep * (1 - self.tint[2])),
        )
        return mix(tinted, self.haze, distance * self.air) if distance else tinted


def light_of(scene: Scene) -> Light:
    """The light of `scene`'s time and weather."""
    time, weather = scene.time, scene.weather
    grey = _GREYNESS[weather]
    veil = _FOG[time] if weather == "fog" else _OVERCAST[time]
    dull = {"rain": 0.84, "cloudy": 0.95, "snow": 1.0}.get(weather, 1.0)
    top, middle, low = _CLEAR[time]
    sky = (
        mix(top, mix((0, 0, 0), veil, 0.9 * dull), grey),
        mix(middle, mix((0, 0, 0), veil, dull), grey),
        mix(low, mix((0, 0, 0), veil, min(1, 1.06 * dull)), grey),
    )
    tint = _TINT[time]
    mean = sum(tint) / 3
    flat = mix(tint, (mean, mean, mean), 0.35 * grey)
    bright, under = _CLOUDS[time]
    if weather in ("rain", "snow"):
        bright, under = mix(bright, veil, 0.6), mix(under, mix((0, 0, 0), veil, 0.72), 0.7)
    return Light(
        sky=sky,
        tint=(flat[0] * dull, flat[1] * dull, flat[2] * dull),
        haze=sky[2],
        air={"fog": 0.86, "rain": 0.58, "snow": 0.66}.get(weather, 0.5),
        cloud=(bright, under),
        sun=(scene.sun_x, _HEIGHT[time]),
        disc=_DISC[time] if weather == "clear" else None,
        shadow={"clear": 0.3, "cloudy": 0.14}.get(weather, 0.0) * (1.2 if time != "night" else 0.9),
        reach=_REACH[time],
        glowing=time == "night",
    )
