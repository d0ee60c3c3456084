"""The cache makes scans fast, and nothing worse than slow when it is lost."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from pipelines.families import families, variants
from pipelines.library.cache import Cache
from pipelines.library.entry import Facts, Hashes, Problem, Training
from pipelines.library.walk import Stamp
from tests.pipelines.library.files import PRESETS

FACTS = Facts(
    "lora",
    family="sdxl",
    dtype="BF16",
    note="a note",
    problem=Problem("It is broken.", "Mend it."),
    training=Training(title="Ink", trigger_words=("ink", "wash"), weight=0.8, tags=(("sky", 3),)),
)
STAMP = Stamp(100, 1_700_000_000_123_456_789, ".json:3:4")
HASHES = Hashes("a" * 64, "b" * 8, "c" * 64)


def _open(file: Path | None) -> Cache:
    return Cache(file, families(), variants([PRESETS]))


def test_facts_and_hashes_outlive_the_program(tmp_path: Path) -> None:
    cache = _open(tmp_path / "deep" / "cache.sqlite")
    cache.keep_facts([("/models/ink.safetensors", STAMP, FACTS)])
    cache.keep_hashes("/models/ink.safetensors", 100, 5, HASHES)
    cache.close()

    again = _open(tmp_path / "deep" / "cache.sqlite")
    assert again.facts() == {"/models/ink.safetensors": (STAMP, FACTS)}
    assert again.hashes() == {"/models/ink.safetensors": (100, 5, HASHES)}


def test_paths_that_are_not_utf8_come_back(tmp_path: Path) -> None:
    cache = _open(tmp_path / "cache.sqlite")
    cache.keep_facts([("/models/caf\udce9", STAMP, FACTS)])
    assert list(cache.facts()) == ["/models/caf\udce9"]


def test_two_processes_may_use_it_at_once(tmp_path: Path) -> None:
    one, other = _open(tmp_path / "cache.sqlite"), _open(tmp_path / "cache.sqlite")
    one.keep_hashes("/x", 1, 2, HASHES)
    assert other.hashes() == {"/x": (1, 2, HASHES)}


def test_many_threads_may_use_it_at_once(tmp_path: Path) -> None:
    cache = _open(tmp_path / "cache.sqlite")

    def keep(k: int) -> None:
        for i in range(50):
            cache.keep_facts([(f"/{k}/{i}", STAMP, FACTS)])

    threads = [threading.Thread(target=keep, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache.facts()) == 200


def test_facts_of_a_gesso_that_knew_other_variants_are_found_again(tmp_path: Path) -> None:
    cache = _open(tmp_path / "cache.sqlite")
    cache.keep_facts([("/x", STAMP, FACTS)])
    cache.keep_hashes("/x", 1, 2, HASHES)
    cache.close()

    fewer = Cache(tmp_path / "cache.sqlite", families(), variants([PRESETS])[1:])
    assert fewer.facts() == {}
    assert fewer.hashes() == {"/x": (1, 2, HASHES)}


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"not a database" * 1000])
def test_a_file_that_is_no_database_is_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cache.sqlite"
    file.write_bytes(content)
    cache = _open(file)
    cache.keep_facts([("/x", STAMP, FACTS)])
    cache.close()
    assert _open(file).facts() == {"/x": (STAMP, FACTS)}


def test_damage_found_while_reading_starts_it_anew(tmp_path: Path) -> None:
    file = tmp_path / "cache.sqlite"
    cache = _open(file)
    cache.keep_facts([(f"/{i}", STAMP, FACTS) for i in range(2000)])
    cache.close()
    with file.open("r+b") as damaged:
        damaged.seek(4096)
        damaged.write(b"\xff" * (file.stat().st_size - 8192))

    again = _open(file)
    again.facts()
    again.keep_facts([("/x", STAMP, FACTS)])
    assert again.facts()["/x"] == (STAMP, FACTS)


def test_rows_that_make_no_sense_are_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "cache.sqlite"
    cache = _open(file)
    cache.keep_facts([("/good", STAMP, FACTS), ("/bad", STAMP, FACTS)])
    cache.keep_hashes("/bad", 1, 2, HASHES)
    cache.close()
    with sqlite3.connect(file) as connection:
        connection.execute(
            "UPDATE facts_1 SET facts = '{\"role\": 3}' WHERE path = CAST(? AS BLOB)", ("/bad",)
        )
        connection.execute("UPDATE hashes_1 SET sha256 = 7.5e300, body = NULL")
    connection.close()
    assert _open(file).facts() == {"/good": (STAMP, FACTS)}
    assert _open(file).hashes() == {}


def test_where_no_file_can_be_it_lives_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (None, tmp_path, tmp_path / "file" / "cache.sqlite"):
        cache = _open(place)
        cache.keep_facts([("/x", STAMP, FACTS)])
        assert cache.facts() == {"/x": (STAMP, FACTS)}


def test_a_closed_cache_forgets_quietly(tmp_path: Path) -> None:
    cache = _open(tmp_path / "cache.sqlite")
    cache.keep_facts([("/x", STAMP, FACTS)])
    cache.close()
    cache.keep_facts([("/y", STAMP, FACTS)])
    assert set(_open(tmp_path / "cache.sqlite").facts()) == {"/x"}
