"""The cache makes scans fast, and nothing worse than slow when it is lost."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from pipelines.families import families, variants
from pipelines.library.cache import Cache
from pipelines.library.entry import Facts, Hashes, Problem, Training
from pipelines.library.item import Item
from pipelines.library.layouts import Folder
from pipelines.library.walk import Found, Stamp
from tests.pipelines.library.files import PRESETS

SHELF = Path("/models")
TOLD = Training(title="Ink", trigger_words=("ink", "wash"), weight=0.8, tags=(("sky", 3),))
FACTS = Facts(
    "lora",
    family="sdxl",
    dtype="BF16",
    note="a note",
    problem=Problem("It is broken.", "Mend it."),
    told=TOLD.to_json(),
)
STAMP = Stamp(100, 1_700_000_000_123_456_789, ".json:3:4")
HASHES = Hashes("a" * 64, "b" * 8, "c" * 64)


def _open(file: Path | None) -> Cache:
    return Cache(file, families(), variants([PRESETS]))


def _item(name: str) -> Item:
    """A LoRA on the shelf."""
    parts = tuple(name.split("/"))
    found = Found(f"/models/{name}", parts, STAMP, preview=f"/models/{name}.png")
    return Item(Folder(SHELF, "lora"), found, FACTS, pending=True)


def test_what_was_found_outlives_the_program(tmp_path: Path) -> None:
    cache = _open(tmp_path / "deep" / "cache.sqlite")
    cache.keep_items(SHELF, [_item("anime/ink.safetensors")])
    cache.keep_hashes("/models/ink.safetensors", 100, 5, HASHES)
    cache.close()

    again = _open(tmp_path / "deep" / "cache.sqlite")
    [item] = again.items(SHELF).values()
    assert item == _item("anime/ink.safetensors")
    assert item.facts.training == TOLD
    assert again.hashes() == {"/models/ink.safetensors": (100, 5, HASHES)}


def test_each_shelf_has_its_own_and_forgets_what_is_gone(tmp_path: Path) -> None:
    cache = _open(tmp_path / "cache.sqlite")
    cache.keep_items(SHELF, [_item("ink"), _item("wash")])
    cache.keep_items(Path("/others"), [_item("ink")])
    cache.forget_items(SHELF, ["/models/ink"])
    assert list(cache.items(SHELF)) == ["/models/wash"]
    assert list(cache.items(Path("/others"))) == ["/models/ink"]


def test_a_shelf_that_is_itself_a_checkpoint_comes_back(tmp_path: Path) -> None:
    cache = _open(None)
    found = Found("/models", ("models",), STAMP, "pipeline")
    cache.keep_items(SHELF, [Item(Folder(SHELF), found, FACTS)])
    assert cache.items(SHELF)["/models"].found == found


def test_paths_that_are_not_utf8_come_back(tmp_path: Path) -> None:
    cache = _open(tmp_path / "cache.sqlite")
    cache.keep_items(SHELF, [_item("caf\udce9")])
    assert cache.items(SHELF)["/models/caf\udce9"] == _item("caf\udce9")


def test_what_another_process_writes_is_noticed(tmp_path: Path) -> None:
    one, other = _open(tmp_path / "cache.sqlite"), _open(tmp_path / "cache.sqlite")
    before = one.revision
    one.keep_items(SHELF, [_item("ink")])
    assert one.revision == before
    other.keep_items(SHELF, [_item("wash")])
    assert one.revision != before


def test_two_processes_may_use_it_at_once(tmp_path: Path) -> None:
    one, other = _open(tmp_path / "cache.sqlite"), _open(tmp_path / "cache.sqlite")
    one.keep_hashes("/x", 1, 2, HASHES)
    assert other.hashes() == {"/x": (1, 2, HASHES)}


def test_many_threads_may_use_it_at_once(tmp_path: Path) -> None:
    cache = _open(tmp_path / "cache.sqlite")

    def keep(k: int) -> None:
        for i in range(50):
            cache.keep_items(SHELF, [_item(f"{k}/{i}")])

    threads = [threading.Thread(target=keep, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache.items(SHELF)) == 200


def test_facts_of_a_gesso_that_knew_other_variants_are_found_again(tmp_path: Path) -> None:
    cache = _open(tmp_path / "cache.sqlite")
    cache.keep_items(SHELF, [_item("x")])
    cache.keep_hashes("/x", 1, 2, HASHES)
    cache.close()

    fewer = Cache(tmp_path / "cache.sqlite", families(), variants([PRESETS])[1:])
    assert fewer.items(SHELF) == {}
    assert fewer.hashes() == {"/x": (1, 2, HASHES)}


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"not a database" * 1000])
def test_a_file_that_is_no_database_is_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cache.sqlite"
    file.write_bytes(content)
    cache = _open(file)
    cache.keep_items(SHELF, [_item("x")])
    cache.close()
    assert _open(file).items(SHELF) == {"/models/x": _item("x")}


def test_damage_found_while_reading_starts_it_anew(tmp_path: Path) -> None:
    file = tmp_path / "cache.sqlite"
    cache = _open(file)
    cache.keep_items(SHELF, [_item(str(i)) for i in range(2000)])
    cache.close()
    with file.open("r+b") as damaged:
        damaged.seek(4096)
        damaged.write(b"\xff" * (file.stat().st_size - 8192))

    again = _open(file)
    again.items(SHELF)
    again.keep_items(SHELF, [_item("x")])
    assert again.items(SHELF)["/models/x"] == _item("x")


def test_rows_that_make_no_sense_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "cache.sqlite"
    cache = _open(file)
    cache.keep_items(SHELF, map(_item, ("good", "odd", "bad", "worse")))
    cache.keep_hashes("/bad", 1, 2, HASHES)
    cache.close()
    with sqlite3.connect(file) as connection:
        for change, path in (("role = 3", "bad"), ("size = 'x'", "worse"), ("told = '{'", "odd")):
            where = f"path = CAST('/models/{path}' AS BLOB)"
            connection.execute(f"UPDATE items_3 SET {change} WHERE {where}")
        connection.execute("UPDATE hashes_1 SET sha256 = 7.5e300, body = NULL")
    connection.close()
    items = _open(file).items(SHELF)
    assert items.keys() == {"/models/good", "/models/odd"}
    assert items["/models/odd"].facts.training == Training()
    assert _open(file).hashes() == {}


def test_where_no_file_can_be_it_lives_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (None, tmp_path, tmp_path / "file" / "cache.sqlite"):
        cache = _open(place)
        cache.keep_items(SHELF, [_item("x")])
        assert cache.items(SHELF) == {"/models/x": _item("x")}


def test_a_closed_cache_forgets_quietly(tmp_path: Path) -> None:
    cache = _open(tmp_path / "cache.sqlite")
    cache.keep_items(SHELF, [_item("x")])
    cache.close()
    cache.keep_items(SHELF, [_item("y")])
    assert set(_open(tmp_path / "cache.sqlite").items(SHELF)) == {"/models/x"}
