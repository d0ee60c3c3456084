"""What a painted scene is, and the many ways to say it."""

from dataclasses import dataclass

import numpy as np

SKIES = ("clear day", "sunset", "night", "cloudy", "dawn")
GROUNDS = ("meadow", "hills", "mountains", "desert", "sea", "snow")
THINGS = ("house", "tree", "boat", "flower", "none")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
STYLES = ("painting", "ink sketch", "watercolour", "pixel art")


@dataclass(frozen=True)
class Scene:
    """One picture to paint. `seed` draws what no caption names: places, sizes, clouds, ridges.

    `orb` is "sun", "moon" or "none"; `colour` is the thing's and "none" without a thing.
    """

    seed: int
    sky: str
    ground: str
    thing: str
    colour: str
    style: str
    orb: str


def draw_scene(seed: int) -> Scene:
    """The scene of `seed`: attributes drawn so that every combination occurs."""
    rng = np.random.default_rng((1, seed))
    sky = _pick(rng, SKIES, (0.26, 0.2, 0.22, 0.16, 0.16))
    thing = _pick(rng, THINGS, (0.25, 0.2, 0.2, 0.25, 0.1))
    boat = thing == "boat"
    ground = _pick(
        rng,
        GROUNDS,
        (0.09, 0.09, 0.09, 0.08, 0.57, 0.08) if boat else (0.19, 0.18, 0.18, 0.16, 0.12, 0.17),
    )
    colour = "none" if thing == "none" else _pick(rng, COLOURS)
    style = _pick(rng, STYLES, (0.64, 0.12, 0.12, 0.12))
    return Scene(seed, sky, ground, thing, colour, style, _draw_orb(rng, sky))


def _draw_orb(rng: np.random.Generator, sky: str) -> str:
    if sky == "night":
        return "moon" if rng.random() < 0.75 else "none"
    if sky == "cloudy":
        return "none"
    return "sun" if rng.random() < 0.75 else "none"


def _pick(rng: np.random.Generator, words: tuple[str, ...], weights=None) -> str:
    return words[rng.choice(len(words), p=weights)]


_SAID_SKY = {
    "clear day": (
        "a clear day",
        "clear day",
        "a sunny day",
        "a blue sky",
        "a clear sky",
        "daytime",
        "a bright day",
        "a summer day",
    ),
    "sunset": ("sunset", "a sunset", "a red sunset", "evening", "dusk", "an orange sunset sky"),
    "night": ("night", "a night sky", "a starry night", "midnight", "a dark night"),
    "cloudy": ("a cloudy day", "a cloudy sky", "an overcast sky", "a grey day", "clouds"),
    "dawn": ("dawn", "sunrise", "a pink dawn", "early morning", "daybreak"),
}
_SAID_SKY_AT = {
    "clear day": ("on a clear day", "on a sunny day", "under a blue sky", "by day"),
    "sunset": ("at sunset", "in the evening", "at dusk", "under a sunset sky"),
    "night": ("at night", "by night", "under a night sky", "at midnight"),
    "cloudy": ("on a cloudy day", "under a cloudy sky", "under an overcast sky"),
    "dawn": ("at dawn", "at sunrise", "in the early morning", "at daybreak"),
}
_SAID_GROUND = {
    "meadow": ("a meadow", "a green meadow", "a field", "grass", "a grassy field"),
    "hills": ("hills", "rolling hills", "green hills", "the hills"),
    "mountains": ("mountains", "the mountains", "high mountains", "snowy peaks", "the alps"),
    "desert": ("a desert", "the desert", "sand dunes", "sand", "dunes"),
    "sea": ("the sea", "the ocean", "a calm sea", "water", "the seaside"),
    "snow": ("snow", "a snowy field", "a snowfield", "winter", "a snowy landscape"),
}
_SAID_GROUND_AT = {
    "meadow": ("in a meadow", "on a meadow", "in a field", "on the grass"),
    "hills": ("in the hills", "on a hill", "among green hills"),
    "mountains": ("in the mountains", "by the mountains", "near high mountains"),
    "desert": ("in the desert", "in a desert", "on the sand", "among dunes"),
    "sea": ("on the sea", "by the sea", "at sea", "on the ocean", "in the sea"),
    "snow": ("in the snow", "on snow", "in a snowy field", "by a snowfield", "in winter"),
}
_SAID_THING = {
    "house": ("house", "house", "house", "cottage", "little house", "home", "cabin"),
    "tree": ("tree", "tree", "tree", "big tree", "oak"),
    "boat": ("boat", "boat", "boat", "sailboat", "sailing boat", "ship"),
    "flower": ("flower", "flower", "flower", "flowers", "blossom", "big flower"),
}
_SAID_COLOUR = {
    "red": ("red", "red", "red", "crimson", "scarlet"),
    "orange": ("orange",),
    "yellow": ("yellow", "yellow", "golden"),
    "green": ("green",),
    "blue": ("blue", "blue", "blue", "azure"),
    "purple": ("purple", "purple", "violet"),
    "pink": ("pink",),
    "white": ("white",),
    "black": ("black",),
}
_SAID_STYLE = {
    "painting": ("", "", "", "painting", "a painting", "oil painting"),
    "ink sketch": ("ink sketch", "an ink sketch", "ink drawing", "pen sketch", "sketch"),
    "watercolour": ("watercolour", "watercolor", "a watercolour painting", "aquarelle"),
    "pixel art": ("pixel art", "pixel art", "8-bit pixel art", "pixelated"),
}
_SAID_ORB = {"sun": ("the sun", "sun", "a bright sun"), "moon": ("the moon", "moon", "moonlight")}
_FILLERS = (
    "beautiful",
    "highly detailed",
    "masterpiece",
    "best quality",
    "peaceful",
    "landscape",
    "scenery",
    "colourful",
    "illustration",
    "lovely",
    "4k",
)


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """One way to say `scene`: phrasing, order and what is left unsaid are drawn; 10 % are empty."""
    if rng.random() < 0.1:
        return ""
    style = _say(rng, _SAID_STYLE[scene.style])
    if scene.style != "painting" and rng.random() < 0.05:
        style = ""
    words = _sentence(scene, rng) if rng.random() < 0.45 else _list(scene, rng)
    if not style:
        return words
    if rng.random() < 0.45:
        return f"{words}, {style}" if words else style
    return f"{style} of {words}" if words and rng.random() < 0.5 else f"{style}, {words}"


def full_caption(scene: Scene) -> str:
    """One sentence that leaves nothing of a scene with a thing unsaid; always the same."""
    rng = np.random.default_rng((7, scene.seed))
    ground, sky = _say(rng, _SAID_GROUND_AT[scene.ground]), _say(rng, _SAID_SKY_AT[scene.sky])
    style = "" if scene.style == "painting" else f", {scene.style}"
    return f"a {scene.colour} {scene.thing} {ground} {sky}{style}"


def _say(rng: np.random.Generator, ways: tuple[str, ...]) -> str:
    return ways[rng.integers(len(ways))]


def _name_thing(scene: Scene, rng: np.random.Generator) -> str:
    noun = _say(rng, _SAID_THING[scene.thing])
    if rng.random() < 0.06:
        return f"a {noun}"
    colour = _say(rng, _SAID_COLOUR[scene.colour])
    article = "" if noun == "flowers" else "an " if colour[0] in "aeiou" else "a "
    return f"{article if rng.random() < 0.85 else ''}{colour} {noun}"


def _sentence(scene: Scene, rng: np.random.Generator) -> str:
    parts = [] if scene.thing == "none" else [_name_thing(scene, rng)]
    if rng.random() < 0.88:
        ways = _SAID_GROUND_AT if parts else _SAID_GROUND
        parts.append(_say(rng, ways[scene.ground]))
    if rng.random() < 0.88 or not parts:
        parts.append(_say(rng, _SAID_SKY_AT[scene.sky]))
    if scene.orb != "none" and rng.random() < 0.15:
        parts.append(f"with {_say(rng, _SAID_ORB[scene.orb])}")
    return " ".join(parts)


def _list(scene: Scene, rng: np.random.Generator) -> str:
    parts = []
    if scene.thing != "none" and rng.random() < 0.96:
        parts.append(_name_thing(scene, rng))
    if rng.random() < 0.85:
        parts.append(_say(rng, _SAID_GROUND[scene.ground]))
    if rng.random() < 0.85:
        parts.append(_say(rng, _SAID_SKY[scene.sky]))
    if scene.orb != "none" and rng.random() < 0.2:
        parts.append(_say(rng, _SAID_ORB[scene.orb]))
    if rng.random() < 0.12:
        parts.append(_say(rng, _FILLERS))
    if rng.random() < 0.6:
        rng.shuffle(parts)
    return ", ".join(parts)
