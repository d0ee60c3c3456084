import re

import numpy as np

from tools.starter.world.scene import scene
from tools.starter.world.vocabulary import COLOURS, KINDS
from tools.starter.world.words import captions, say

SCENES = [scene(seed) for seed in range(300)]
SAID = {
    "plain": "",
    "watercolour": "watercolou?r",
    "oil painting": r"\boil\b",
    "ink drawing": r"\bink\b",
    "pixel art": "pixel",
    "stained glass": "stained glass",
    "low poly": "low poly",
    "pastel": "pastel",
    "house": "house|cottage",
    "pine": "pine tree|fir tree",
    "palm": "palm tree",
    "tree": r"(?<!pine )(?<!palm )(?<!fir )tree",
    "lighthouse": "lighthouse",
    "balloon": "balloon",
    "day": r"\bday|midday",
    "dawn": "dawn|early morning|sunrise",
    "sunset": "sunset|evening|dusk",
    "clear": "clear",
    "cloudy": "cloud",
    "rain": r"\brain",
    "snow": "falling snow|snowing|snowfall",
    "fog": "fog|mist",
    "forest": "forest|woods",
    "sea": r"\bsea\b|ocean",
    "desert": "desert|dunes",
    "meadow": "meadow|field",
    "snowfield": "snowfield|snowy landscape",
}


def says(text: str, word: str) -> bool:
    return re.search(SAID.get(word, rf"\b{word}"), text) is not None


def test_every_full_caption_says_all_that_is_in_the_scene():
    for s in SCENES:
        for text in captions(s):
            for word in (s.place, s.time, s.weather, s.style):
                assert says(text, word), (text, word)
            for thing in s.things:
                assert says(text, thing.colour) and says(text, thing.kind), (text, thing)
                assert thing.pose == "none" or thing.pose in text
            far = len(re.findall("far away|in the distance", text))
            assert far == sum(t.distance == "far" for t in s.things)


def test_no_caption_names_what_is_not_there():
    for s in SCENES:
        kinds, colours = {t.kind for t in s.things}, {t.colour for t in s.things}
        for text in captions(s):
            bare = text.replace("green field", "field")
            for kind in set(KINDS) - kinds - {"house", "man"}:
                assert not says(bare, kind), (text, kind)
            for colour in set(COLOURS) - colours:
                assert not re.search(rf"\b{colour}\b", bare), (text, colour)


def test_each_thing_is_put_in_its_own_column():
    column = re.compile(r"(?:on|to|in) the (left|right|middle|centre)")
    for s in SCENES:
        for text in captions(s):
            places = column.findall(text.replace("in the hills", ""))
            want = sorted(t.column for t in s.things)
            assert sorted(p.replace("centre", "middle") for p in places) == want, text


def test_eight_ways_differ_and_stay_the_same():
    for s in SCENES[:50]:
        assert captions(s) == captions(s)
        if s.things:
            assert len(set(captions(s))) >= 7


def test_training_captions_vary_and_one_in_ten_is_empty():
    rng = np.random.default_rng(0)
    many = [say(SCENES[9], rng) for _ in range(1000)]
    assert len(set(many)) > 150
    assert 60 < many.count("") < 140


def test_articles_agree_with_their_words():
    for s in SCENES:
        for text in captions(s):
            assert not re.search(r"\ba [aeiou]", text) and not re.search(r"\ban [^aeio8]", text)
            assert "  " not in text and text == text.strip()
