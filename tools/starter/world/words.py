"""The many ways to say a scene: full captions for asking, free ones for training."""

import numpy as np

from tools.starter.world.scene import Scene, Thing
from tools.starter.world.vocabulary import KINDS

_PLACE = {
    "meadow": ("in a meadow", "a meadow", "a green field"),
    "hills": ("in the hills", "rolling hills", "hills"),
    "mountains": ("in the mountains", "mountains", "high mountains"),
    "forest": ("in a forest", "a forest", "the woods"),
    "desert": ("in the desert", "a desert", "sand dunes"),
    "beach": ("on a beach", "a beach", "a sandy beach"),
    "sea": ("on the sea", "the sea", "the ocean"),
    "lake": ("by a lake", "a lake", "a mountain lake"),
    "river": ("by a river", "a river", "a winding river"),
    "snowfield": ("in a snowfield", "a snowfield", "a snowy landscape"),
}
_TIME = {
    "dawn": ("at dawn", "dawn", "early morning", "sunrise"),
    "day": ("by day", "daytime", "day", "midday"),
    "sunset": ("at sunset", "sunset", "evening", "dusk"),
    "night": ("at night", "night", "nighttime", "a dark night"),
}
_WEATHER = {
    "clear": ("under a clear sky", "a clear sky", "clear weather", "a clear sky"),
    "cloudy": ("under a cloudy sky", "cloudy", "clouds", "a cloudy sky"),
    "rain": ("in the rain", "rain", "rainy", "rainy weather"),
    "snow": ("in falling snow", "falling snow", "snowing", "snowfall"),
    "fog": ("in the fog", "fog", "foggy", "mist"),
}
_STYLE = {
    "plain": ("", "", ""),
    "watercolour": ("a watercolour of", "watercolour", "watercolor painting"),
    "oil painting": ("an oil painting of", "oil painting", "oil on canvas"),
    "ink drawing": ("an ink drawing of", "ink drawing", "ink sketch"),
    "pixel art": ("pixel art of", "pixel art", "8-bit pixel art"),
    "stained glass": ("a stained glass window of", "stained glass", "stained glass window"),
    "low poly": ("a low poly picture of", "low poly", "low poly art"),
    "pastel": ("a pastel drawing of", "pastel", "soft pastel drawing"),
}
_COLUMN = {
    "left": ("on the left", "to the left"),
    "middle": ("in the middle", "in the centre"),
    "right": ("on the right", "to the right"),
}
_FAR = ("far away", "in the distance")
_NOUN = {
    "house": ("house", "cottage"),
    "castle": ("castle",),
    "lighthouse": ("lighthouse",),
    "windmill": ("windmill",),
    "boat": ("boat", "sailing boat"),
    "bridge": ("bridge",),
    "car": ("car",),
    "balloon": ("hot air balloon", "balloon"),
    "tree": ("tree",),
    "pine": ("pine tree", "fir tree"),
    "palm": ("palm tree",),
    "flower": ("flower", "flowers"),
    "cat": ("cat",),
    "dog": ("dog",),
    "horse": ("horse",),
    "cow": ("cow",),
    "bird": ("bird",),
}
_CLOTHES = {"woman": ("dress",), "man": ("coat", "jacket")}


def caption(scene: Scene) -> str:
    """The plainest full sentence: everything `scene.attributes` holds."""
    return captions(scene)[0]


def captions(scene: Scene) -> tuple[str, ...]:
    """Eight ways to say all of `scene.attributes`: four sentences, then four comma lists."""
    return tuple(
        (_sentence if way < 4 else _list)(scene, np.random.default_rng(way), way)
        for way in range(8)
    )


def say(scene: Scene, rng: np.random.Generator) -> str:
    """One caption for training: phrasing, order and what is left unsaid are drawn; 10 % empty."""
    if rng.random() < 0.1:
        return ""
    write = _sentence if rng.random() < 0.5 else _list
    return write(scene, rng, int(rng.integers(8)), forgetful=0.12)


def brief(scene: Scene, rng: np.random.Generator) -> str:
    """What stands where, and the place; nothing of time, weather or style."""
    way = int(rng.integers(8))
    return ", ".join([*_things(scene, rng, way, 0.0), _PLACE[scene.place][1 + way % 2]])


def _pick(ways: tuple[str, ...], way: int) -> str:
    return ways[way % len(ways)]


def _name(thing: Thing, way: int) -> str:
    if thing.kind in _CLOTHES:
        words = (
            f"{thing.kind} in a{_n(thing.colour)} {thing.colour} {_pick(_CLOTHES[thing.kind], way)}"
        )
        return f"a {words} {thing.pose}"
    noun = _pick(_NOUN[thing.kind], way)
    pose = "" if thing.pose == "none" else f" {thing.pose}"
    article = "" if noun == "flowers" else f"a{_n(thing.colour)} "
    return f"{article}{thing.colour} {noun}{pose}"


def _n(word: str) -> str:
    return "n" if word[0] in "aeiou" else ""


def _placed(thing: Thing, way: int, forget: bool) -> str:
    where = "" if forget else f" {_pick(_COLUMN[thing.column], way // 2)}"
    far = f" {_pick(_FAR, way)}" if thing.distance == "far" else ""
    near = (
        " nearby"
        if thing.distance == "near" and not KINDS[thing.kind].small and way % 4 == 1
        else ""
    )
    return f"{_name(thing, way)}{where}{far}{near}"


def _things(scene: Scene, rng: np.random.Generator, way: int, forgetful: float) -> list[str]:
    kept = [t for t in scene.things if rng.random() >= 0.5 * forgetful]
    order = rng.permutation(len(kept)) if way % 2 else range(len(kept))
    return [_placed(kept[i], way, rng.random() < 1.5 * forgetful) for i in order]


def _sentence(scene: Scene, rng: np.random.Generator, way: int, forgetful: float = 0.0) -> str:
    things = _things(scene, rng, way, forgetful)
    parts = [", ".join(things[:-1]) + " and " + things[-1] if len(things) > 1 else "".join(things)]
    if not things or rng.random() >= forgetful:
        parts.append(_PLACE[scene.place][0] if things else _PLACE[scene.place][1])
    setting = [_TIME[scene.time][0], _WEATHER[scene.weather][0]]
    setting = [words for words in setting if rng.random() >= forgetful]
    parts += setting if way % 2 == 0 else setting[::-1]
    words = " ".join(filter(None, parts))
    if rng.random() < 0.5 * forgetful or scene.style == "plain":
        return words
    if way % 2 == 0:
        return f"{_STYLE[scene.style][0]} {words}"
    return f"{words}, {_STYLE[scene.style][1 + way // 2 % 2]}"


def _list(scene: Scene, rng: np.random.Generator, way: int, forgetful: float = 0.0) -> str:
    parts = _things(scene, rng, way, forgetful)
    setting = [
        _PLACE[scene.place][1 + way % 2],
        _pick(_TIME[scene.time][1:], way),
        _pick(_WEATHER[scene.weather][1:], way),
    ]
    parts += [words for words in setting if rng.random() >= forgetful]
    if way % 4 > 1:
        parts = [parts[i] for i in rng.permutation(len(parts))]
    if scene.style != "plain" and rng.random() >= 0.5 * forgetful:
        style = _STYLE[scene.style][1 + way // 2 % 2]
        parts = [style, *parts] if way % 2 else [*parts, style]
    return ", ".join(parts) or _PLACE[scene.place][1]
