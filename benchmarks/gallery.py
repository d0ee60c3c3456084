"""A hundred thousand pictures: how long the page waits for them.

The pictures are real files with real recipes over one shared body of pixels. The studio is started
as an artist starts it and spoken to over its own API. References, in the same run: the same
start on an empty folder, listing the folders with `os.scandir`, and SQLite without an index.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import struct
import tempfile
import time
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

from PIL import Image

from app.studio.gallery import Gallery
from benchmarks.page import studio
from benchmarks.timing import Row, interleaved
from pipelines.geometry import Size
from pipelines.metadata.gesso import KEYWORD, write
from pipelines.picture import Facts
from pipelines.recipe import ModelRef, Recipe

COUNT = 100_000
PER_DAY = 274
"""So that they fill a year."""

FIRST_SCREEN = 0.3
SEARCH = 0.2

_TEXT = (
    "a red house green meadow clear day white boat sea sunset watercolour high mountains starry"
    " night moon portrait of an old sailor lighthouse storm oil painting detailed soft light"
    " forest river fog autumn leaves cat window rain street lantern snow village harbour gull"
)
_RARE = "zephyr"
_CHECKPOINTS = ("starter", "watercolour-v2", "seascapes-xl", "portraits")
_FACTS = Facts(device="cpu", dtype="float32", threads=2, versions={"torch": "2.15.0"})


def run(count: int = COUNT) -> Iterator[Row]:
    """Make the pictures, read them all once, then ask for them in the ways a page asks."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        days = make(home / "outputs", count)
        yield from _rebuild(home, count)
        yield from _answers(home, days)


def make(outputs: Path, count: int, last: datetime = datetime(2026, 11, 20, 23)) -> list[str]:
    """Save `count` pictures, the newest at `last`; the names of their days, newest first."""
    start, end = _body()
    chance = random.Random(1)
    for k in range(count):
        made = last - timedelta(days=k // PER_DAY, seconds=k % PER_DAY * 60)
        recipe = _recipe(chance, rare=k % 1000 == 500)
        folder = outputs / f"{made:%Y-%m-%d}"
        if k % PER_DAY == 0:
            folder.mkdir(parents=True)
        text = f"{KEYWORD}\0\0\0\0\0{write(recipe, _FACTS)}".encode()
        name = f"{made:%Y%m%d-%H%M%S}-001-{recipe.seed}.png"
        (folder / name).write_bytes(start + _chunk(b"iTXt", text) + end)
    return sorted(os.listdir(outputs), reverse=True)


def _recipe(chance: random.Random, *, rare: bool) -> Recipe:
    words = chance.choices(_TEXT.split(), k=20) + ([_RARE] if rare else [])
    return Recipe(
        prompt=" ".join(words),
        seed=chance.getrandbits(64),
        size=Size(width=512, height=512),
        checkpoint=ModelRef(name=chance.choice(_CHECKPOINTS)),
    )


def _body() -> tuple[bytes, bytes]:
    """A PNG's bytes before and after the place for text."""
    file = BytesIO()
    Image.new("RGB", (16, 16), "tan").save(file, "PNG")
    whole = file.getvalue()
    header = 8 + 25  # signature, IHDR
    return whole[:header], whole[header:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _rebuild(home: Path, count: int) -> Iterator[Row]:
    """Read all pictures into an empty index, in the background as at a start."""
    seconds = interleaved({"read": lambda: _read(home / "outputs")}, 1)["read"]
    started = time.perf_counter()
    gallery = Gallery(home / "outputs", home / "data")
    gallery.start()
    newest = gallery.search(60)
    first = time.perf_counter() - started
    assert len(newest) == 60
    while sum(number for _, number in gallery.days()) < count:
        time.sleep(0.2)
    whole = time.perf_counter() - started
    gallery.close()
    yield Row("first screen, no index yet", first, "limit", FIRST_SCREEN, wanted=1.0)
    yield Row(f"index of {count:,} pictures made", whole, "opening and reading all", seconds)


def _answers(home: Path, days: list[str]) -> Iterator[Row]:
    """A start on all the pictures beside one on none, and what the API answers then."""
    with studio() as (_, empty):
        pass
    with studio(home) as (base, full):
        pictures = f"{base}/api/v1/pictures"
        some = _ask(f"{pictures}?limit=500")[-1]
        asked = {
            "first screen: days and a page of 60": lambda: (
                _ask(f"{pictures}/days"),
                _ask(f"{pictures}?limit=60"),
            ),
            "page of 60 from the middle": lambda: _ask(f"{pictures}?limit=60&offset=50000"),
            "search by a word in half of them": _search(pictures, text="hou"),
            "search by three words": _search(pictures, text="red boat sea"),
            "search by a rare word": _search(pictures, text=_RARE),
            "search by seed": _search(pictures, seed=some["seed"]),
            "search by dates": _search(pictures, **{"from": days[20], "to": days[10]}),
            "search by checkpoint and word": _search(
                pictures, text="moon", checkpoint=_CHECKPOINTS[0]
            ),
        }
        times = interleaved({**asked, "scan": lambda: _scan(home / "outputs")}, 5)
    bare = _bare(home / "data" / "gallery.sqlite")
    yield Row("page ready on all of them", full, "on an empty folder", empty, wanted=1.2)
    for what in asked:
        first = what.startswith("first")
        limit = FIRST_SCREEN if first else SEARCH
        yield Row(what, times[what], "limit", limit, wanted=1.0)
        yield Row(what, times[what], *(("os.scandir", times["scan"]) if first else bare))


def _search(pictures: str, **query: object) -> Callable[[], object]:
    """What the page asks for a search: the days, and the first page."""
    wanted = urllib.parse.urlencode(query)

    def ask() -> None:
        assert _ask(f"{pictures}/days?{wanted}")
        assert _ask(f"{pictures}?limit=60&{wanted}")

    return ask


def _ask(address: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return json.loads(answer.read())


def _scan(outputs: Path) -> int:
    return sum(len(list(os.scandir(day))) for day in os.scandir(outputs))


def _read(outputs: Path) -> None:
    for file in outputs.glob("*/*.png"):
        file.read_bytes()


def _bare(index: Path) -> tuple[str, float]:
    """Searching the same rows with LIKE, in one connection and with no server between."""
    table = sqlite3.connect(index)
    sql = "SELECT id, prompt FROM pictures WHERE prompt LIKE '%zephyr%' ORDER BY id DESC LIMIT 60"
    seconds = interleaved({"like": lambda: table.execute(sql).fetchall()}, 5)["like"]
    table.close()
    return "sqlite LIKE, without an index", seconds


if __name__ == "__main__":
    for row in run():
        print(row, flush=True)
