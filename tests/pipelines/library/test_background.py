"""Folders are read in the background; what is known is listed meanwhile."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.loras import KEYS, write_loras
from pipelines.catalog import Catalog
from pipelines.families import families, variants
from pipelines.library import shelf
from pipelines.library.header import read_header
from pipelines.library.library import Library
from tests.pipelines.library.files import PRESETS, aged, lora, real, write


def _library(*folders: Path, cache: Path | None = None) -> Library:
    return Library(folders, families(), variants([PRESETS]), cache)


def _wait(met: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def dead_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose disk does not answer until the test is over."""
    folder, answers, list_folder = tmp_path / "network", threading.Event(), os.scandir
    folder.mkdir()

    def scandir(path: str) -> object:
        if str(path) == str(folder):
            answers.wait(30)
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", scandir)
    yield folder
    answers.set()


def test_a_dead_disk_holds_up_nobody_and_is_told(tmp_path: Path, dead_disk: Path) -> None:
    write(tmp_path / "models" / "ink.safetensors", lora())
    library = _library(dead_disk, tmp_path / "models")
    started = time.monotonic()
    library.scan(patience=0.2)
    library.scan(patience=0.2)
    assert time.monotonic() - started < 2
    assert library.find("ink", "lora").usable

    _wait(lambda: any(entry.name == "network/" for entry in library.entries()))
    [slow] = [entry for entry in library.entries() if entry.name == "network/"]
    assert slow.problem is not None
    assert slow.problem.message == "network is still being read."
    started = time.monotonic()
    library.close()
    assert time.monotonic() - started < 2


def test_what_the_cache_knows_is_listed_before_anything_is_looked_at(tmp_path: Path) -> None:
    models, cache = tmp_path / "models", tmp_path / "cache.sqlite"
    write(models / "checkpoints" / "painter.safetensors", real("sd15"))
    write(models / "short.safetensors", lora(), missing=1)
    (models / "caf\udce9.safetensors").write_bytes(b"")
    first = _library(models, cache=cache)
    first.scan()
    known = first.entries()
    first.close()

    again = _library(models, cache=cache)
    assert again.entries() == known
    again.scan()
    assert again.entries() == known


def test_the_largest_files_are_read_first_and_listed_bit_by_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "BATCH_SECONDS", 0.0)
    monkeypatch.setattr("pipelines.library.library.LIST_SECONDS", 0.01)
    write_loras(tmp_path / "loras", 400)
    write(tmp_path / "zebra.safetensors", real("sd15"))
    library = _library(tmp_path)
    seen: list[tuple[int, int]] = []
    library.watch(
        lambda: seen.append((len(library.entries("checkpoint")), len(library.entries("lora"))))
    )
    library.scan(patience=0.0)
    library.wait()
    assert library.progress == (False, 401, 401)
    assert seen[-1] == (1, 400)
    assert seen == sorted(seen)
    assert any(checkpoints == 1 and loras < 400 for checkpoints, loras in seen)
    library.close()


def test_files_that_come_change_and_go_while_folders_are_read_are_noticed(tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_loras(models, 50)
    library = _library(models, cache=tmp_path / "cache.sqlite")
    library.scan()
    write(models / "new.safetensors", lora())
    write(models / "copying.safetensors", lora(), age=0)
    gone = next(models.rglob("7.safetensors"))
    gone.unlink()
    library.scan()
    assert library.find("new", "lora").usable
    assert library.find("copying", "lora").pending
    assert gone not in {entry.path for entry in library.entries()}

    aged(models / "copying.safetensors")
    library.scan()
    assert library.find("copying", "lora").usable
    library.close()
    assert gone not in {e.path for e in _library(models, cache=tmp_path / "cache.sqlite").entries()}


def test_a_disk_that_is_not_plugged_in_is_known_when_it_is_back(tmp_path: Path) -> None:
    models, cache = tmp_path / "models", tmp_path / "cache.sqlite"
    path = write(models / "ink.safetensors", lora())
    _scanned(models, cache)
    models.rename(tmp_path / "away")
    assert _scanned(models, cache) == []

    (tmp_path / "away").rename(models)
    status = path.stat()
    with path.open("r+b") as file:
        file.write(bytes(8))  # only one that opened it would notice
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert _scanned(models, cache) == ["ink"]


def _scanned(models: Path, cache: Path) -> list[str]:
    library = _library(models, cache=cache)
    library.scan()
    library.close()
    return [entry.name for entry in library.entries() if entry.usable]


def test_other_folders_may_be_chosen_while_it_runs(tmp_path: Path) -> None:
    mine = write(tmp_path / "mine" / "ink.safetensors", lora())
    theirs = write(tmp_path / "theirs" / "ink.safetensors", lora())
    library = _library(tmp_path / "mine")
    library.scan()
    library.open([tmp_path / "theirs", tmp_path / "mine"])
    library.scan()
    assert [(e.name, e.path) for e in library.entries()] == [
        ("ink", theirs),
        ("ink.safetensors", mine),
    ]
    library.open([tmp_path / "theirs"])
    assert [entry.path for entry in library.entries()] == [theirs]


def test_the_engine_takes_from_the_cache_what_the_studio_has_found(tmp_path: Path) -> None:
    models, cache = tmp_path / "models", tmp_path / "cache.sqlite"
    write(models / "painter.safetensors", real("sd15"))
    studio = Catalog.open([models], [PRESETS], cache)
    engine = Catalog.open([models], [PRESETS], cache, follow=True)
    assert engine.checkpoint(None).ref.name == "painter"

    write(models / "second.safetensors", real("sdxl"))
    assert not engine.rescan()
    studio.rescan()
    assert engine.rescan()
    assert engine.checkpoint("second").variant.name == "sdxl"

    write(models / "third.safetensors", real("sdxl"))  # nobody has looked since
    assert engine.checkpoint("third").variant.name == "sdxl"


def test_a_file_replaced_since_it_was_listed_is_looked_at_when_it_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "models" / "painter.safetensors", real("sd15"))
    cache = tmp_path / "cache.sqlite"
    Catalog.open([path.parent], [PRESETS], cache)
    engine = Catalog.open([path.parent], [PRESETS], cache, follow=True)
    write(path, real("sdxl"))
    assert engine.checkpoint("painter").variant.name == "sdxl"


def test_many_threads_may_look_and_ask_at_once(tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_loras(models, 100)
    library = _library(models, cache=tmp_path / "cache.sqlite")
    failed: list[BaseException] = []

    def use(k: int) -> None:
        try:
            for i in range(5):
                write(models / f"{k}-{i}.safetensors", lora())
                library.scan()
                library.open([models] if i % 2 else [models, tmp_path / "none"])
                library.entries("lora")
                assert library.progress.total >= 0
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=use, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    library.scan()
    assert failed == []
    assert len(library.entries("lora")) == 120
    library.close()


@pytest.mark.slow
def test_ten_thousand_loras_are_read_once_and_never_again(tmp_path: Path) -> None:
    models, cache = tmp_path / "models", tmp_path / "cache.sqlite"
    write_loras(models / "loras", 10_000)
    assert len(read_header(next(models.rglob("1.safetensors"))).tensors) == KEYS
    opened: list[str] = []

    def listen(event: str, details: tuple) -> None:
        # Python tells of each file twice, once with the mode.
        if event == "open" and details[1] and str(details[0]).endswith(".safetensors"):
            opened.append(str(details[0]))

    sys.addaudithook(listen)
    for read in (10_000, 0):
        opened.clear()
        library = _library(models, cache=cache)
        library.scan(patience=300)
        assert not library.scan(patience=300)
        assert len(opened) == read
        entries = library.entries("lora")
        assert len({entry.name for entry in entries}) == 10_000
        assert {entry.family for entry in entries} == {"sd1", "sdxl"}
        assert library.find("7777", "lora").name == "artist 17/set 27/7777"
        library.close()
