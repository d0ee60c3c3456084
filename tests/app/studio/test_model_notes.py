"""What the artist says of a file is kept beside none of their files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.studio.model_notes import TEXT_LIMIT, ModelNotes, Note
from pipelines.errors import RequestError, StorageError
from pipelines.library.entry import Entry, Hashes
from tests.trouble import full_disk

INK = Entry("lora", name="ink", file="/models/loras/ink.safetensors")
HASHED = replace(INK, hashes=Hashes("a" * 64, "b" * 8))


def test_a_note_is_there_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "notes.json"
    ModelNotes(file).write(INK, "Weight 0.6 \U0001f58c")
    assert ModelNotes(file).of(INK).text == "Weight 0.6 \U0001f58c"
    assert ModelNotes(file).of(replace(INK, file="/other")) == Note()


def test_an_empty_note_is_one_and_none_is_not(tmp_path: Path) -> None:
    notes = ModelNotes(tmp_path / "notes.json")
    notes.write(INK, "")
    assert notes.of(INK).text == ""
    notes.write(INK, None)
    assert notes.of(INK) == Note()
    assert "ink" not in (tmp_path / "notes.json").read_text()


def test_a_file_that_was_moved_keeps_its_note(tmp_path: Path) -> None:
    file = tmp_path / "notes.json"
    notes = ModelNotes(file)
    notes.write(INK, "Good.")
    notes.of(HASHED)  # by now its hash is known
    moved = replace(HASHED, file="/elsewhere/renamed.safetensors")
    assert ModelNotes(file).of(moved).text == "Good."


def test_a_name_that_is_no_text_can_have_a_note(tmp_path: Path) -> None:
    file, odd = tmp_path / "notes.json", replace(INK, file="/models/\udcff.safetensors")
    ModelNotes(file).write(odd, "Odd.")
    assert ModelNotes(file).of(odd).text == "Odd."


def test_a_note_that_is_too_long_changes_nothing(tmp_path: Path) -> None:
    notes = ModelNotes(tmp_path / "notes.json")
    notes.write(INK, "x" * TEXT_LIMIT)
    with pytest.raises(RequestError, match="too long"):
        notes.write(INK, "x" * (TEXT_LIMIT + 1))
    assert len(notes.of(INK).text or "") == TEXT_LIMIT


def test_on_a_full_disk_the_former_note_stays(tmp_path: Path) -> None:
    notes = ModelNotes(tmp_path / "notes.json")
    notes.write(INK, "Good.")
    with full_disk(), pytest.raises(StorageError):
        notes.write(INK, "Better.")
    assert notes.of(INK).text == "Good."
    assert ModelNotes(tmp_path / "notes.json").of(INK).text == "Good."


@pytest.mark.parametrize("damage", ["", "[]", '{"format": 9}', '{"format": 1, "models": {"x": 3}}'])
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "notes.json"
    file.write_text(damage)
    assert ModelNotes(file).of(INK) == Note()
    [aside] = tmp_path.glob("notes.json.damaged-*")
    assert aside.read_text() == damage
