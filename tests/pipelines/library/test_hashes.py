"""Models are known by the hashes that A1111, kohya and the model sites write."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pipelines.errors import ModelFileError
from pipelines.families import families, variants
from pipelines.library.entry import Hashes
from pipelines.library.hashes import hash_file
from pipelines.library.library import Library
from tests.pipelines.library.files import PRESETS, aged, lora, write


def _saved(path: Path, title: str = "", size: int = 900_000) -> Path:
    weights = {"x.lora_up.weight": np.arange(size, dtype=np.float32)}
    save_file(weights, path, metadata={"modelspec.title": title})
    return path


def _made(path: Path) -> Hashes:
    hashes = hash_file(path)
    assert hashes is not None
    return hashes


def test_the_hashes_are_those_of_the_bytes(tmp_path: Path) -> None:
    path = _saved(tmp_path / "x.safetensors")
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")

    hashes = _made(path)

    assert hashes.sha256 == hashlib.sha256(content).hexdigest()
    assert hashes.short == hashes.sha256[:10]
    assert hashes.legacy == hashlib.sha256(content[0x100000:0x110000]).hexdigest()[:8]
    assert hashes.body == hashlib.sha256(content[start:]).hexdigest()
    assert hashes.addnet == hashes.body[:12]


def test_edited_metadata_leaves_the_addnet_hash_as_it_was(tmp_path: Path) -> None:
    one, other = _saved(tmp_path / "one", "One"), _saved(tmp_path / "other", "Another title")
    assert _made(one).addnet == _made(other).addnet
    assert _made(one).sha256 != _made(other).sha256


def test_a_header_longer_than_a_chunk_is_left_out_of_the_body(tmp_path: Path) -> None:
    long, short = _saved(tmp_path / "long", "x" * 3_000_000), _saved(tmp_path / "short")
    assert _made(long).body == _made(short).body


def test_a_file_of_another_kind_has_no_body_hash(tmp_path: Path) -> None:
    (tmp_path / "x.ckpt").write_bytes(b"PK\x03\x04 and so on")
    hashes = _made(tmp_path / "x.ckpt")
    assert hashes.body == ""
    assert hashes.legacy == hashlib.sha256(b"").hexdigest()[:8]


def test_hashing_stops_when_asked_and_refuses_what_is_gone(tmp_path: Path) -> None:
    assert hash_file(_saved(tmp_path / "x"), stop=lambda: True) is None
    with pytest.raises(ModelFileError, match="is gone"):
        hash_file(tmp_path / "absent")


def test_a_hash_matches_in_all_its_lengths() -> None:
    hashes = Hashes("0123456789abcdef" * 4, "feedbeef", "fedcba9876543210" * 4)
    for digits in ("01234567", "0123456789", "0123456789ABCDEF", hashes.sha256, "feedbeef"):
        assert hashes.match(digits)
    assert hashes.match(hashes.addnet)
    assert not hashes.match("0123456")
    assert not hashes.match("12345678")


def test_hashes_are_made_in_the_background_and_kept(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    path = aged(_saved(models / "ink.safetensors"))
    write(models / "broken.safetensors", lora(), missing=1)
    library = _library(models, tmp_path)
    library.hash_in_background()
    library.hash_in_background()
    _wait(lambda: library.find("ink", "lora").hashes is not None)

    hashes = library.find("ink", "lora").hashes
    assert hashes == hash_file(path)
    assert hashes is not None
    for digits in (hashes.sha256, hashes.short, hashes.legacy, hashes.addnet):
        assert library.find(digits, "lora").path == path

    later = aged(_saved(models / "later.safetensors", "later"))
    library.scan()
    _wait(lambda: library.find("later", "lora").hashes is not None)
    library.close()
    again = _library(models, tmp_path)
    assert again.find(hashes.short, "lora").path == path
    assert again.find("later", "lora").hashes == hash_file(later)


def test_a_changed_file_loses_its_hash(tmp_path: Path) -> None:
    path = aged(_saved(tmp_path / "ink.safetensors"))
    library = _library(tmp_path, tmp_path)
    assert library.hashed(library.find("ink", "lora")).hashes is not None

    aged(_saved(path, "another"), 30)
    library.scan()

    assert library.find("ink", "lora").hashes is None


def test_what_another_process_hashed_is_found_by_hash(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    path = aged(_saved(models / "ink.safetensors"))
    one, other = _library(models, tmp_path), _library(models, tmp_path)
    hashes = one.hashed(one.find("ink", "lora")).hashes
    assert hashes is not None
    assert other.find(hashes.sha256, "lora").path == path
    assert other.find("ink", "lora").hashes == hashes


def test_what_another_process_hashed_is_not_read_again(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    path = aged(_saved(models / "ink.safetensors"))
    one, other = _library(models, tmp_path), _library(models, tmp_path)
    hashes = one.hashed(one.find("ink", "lora")).hashes
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert other.hashed(other.find("ink", "lora")).hashes == hashes


def test_a_file_replaced_since_it_was_listed_is_given_no_hash(tmp_path: Path) -> None:
    path = aged(_saved(tmp_path / "ink.safetensors"))
    library = _library(tmp_path, tmp_path)
    listed = library.find("ink", "lora")
    aged(_saved(path, "another"), 30)
    assert library.hashed(listed).hashes is None
    library.scan()
    assert library.hashed(library.find("ink", "lora")).hashes == hash_file(path)


def test_closing_does_not_wait_for_a_large_file(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "large.ckpt").write_bytes(b"PK\x03\x04")
    os.truncate(models / "large.ckpt", 200 << 30)
    aged(models / "large.ckpt")
    library = _library(models, tmp_path)
    library.hash_in_background()
    started = time.monotonic()
    library.close()
    assert time.monotonic() - started < 5


def _library(models: Path, tmp_path: Path) -> Library:
    library = Library([models], families(), variants([PRESETS]), tmp_path / "cache.sqlite")
    library.scan()
    return library


def _wait(done, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_where_others_come_first_files_are_read_and_hashed_when_they_are_done(
    tmp_path: Path,
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    aged(_saved(models / "ink.safetensors"))
    library = _library(models, tmp_path)
    library.gentle = True
    library.hash_in_background()
    library.scan()
    time.sleep(0.3)
    assert [entry.hashes for entry in library.entries("lora")] == [None]
    library.gentle = False
    _wait(lambda: library.entries("lora")[0].hashes)
    library.close()
