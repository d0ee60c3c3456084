"""Pictures of model files, from wherever they come."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from app.studio.errors import NotFound
from app.studio.model_notes import ModelNotes
from app.studio.model_previews import Previews
from pipelines.images import THUMBNAIL_SIDE, Door
from pipelines.library.entry import Entry
from pipelines.library.library import Library
from tests.pipelines.library.files import aged, lora, write


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    opened = Door()
    yield opened
    opened.close()


@pytest.fixture
def previews(tmp_path: Path, door: Door) -> Previews:
    return Previews(tmp_path / "data", door, ModelNotes(tmp_path / "notes.json"))


def picture(colour: str, side: int = 640, kind: str = "PNG") -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (side, side // 2), colour).save(body, kind)
    return body.getvalue()


def entry_of(folder: Path, **metadata: str) -> Entry:
    """The LoRA `ink` as the library finds it there, with whatever lies beside it."""
    write(folder / "ink.safetensors", lora(), metadata)
    library = Library([folder], [], [], settle=0)
    library.scan()
    [entry] = library.entries()
    library.close()
    return entry


def colour(file: Path) -> tuple[int, ...]:
    with Image.open(file) as image:
        assert image.format == "JPEG"
        assert max(image.size) <= THUMBNAIL_SIDE
        pixel = image.convert("RGB").getpixel((5, 5))
    assert isinstance(pixel, tuple)
    return tuple(round(value / 255) for value in pixel)


RED, LIME, BLUE = (1, 0, 0), (0, 1, 0), (0, 0, 1)


def test_a_picture_beside_the_file_is_shown_small_and_kept(
    tmp_path: Path, previews: Previews
) -> None:
    folder = tmp_path / "loras"
    folder.mkdir()
    beside = folder / "ink.preview.png"
    beside.write_bytes(picture("red"))
    aged(beside)
    entry = entry_of(folder)
    assert previews.has(entry)
    small = previews.of(entry)
    assert colour(small) == RED
    first = small.stat().st_ino
    assert previews.of(entry).stat().st_ino == first
    beside.write_bytes(picture("blue"))
    assert colour(previews.of(entry)) == BLUE


@pytest.mark.parametrize("where", ["modelspec.thumbnail", "ssmd_cover_images"])
def test_a_picture_in_the_header_is_shown(tmp_path: Path, previews: Previews, where: str) -> None:
    body = base64.b64encode(picture("lime", kind="JPEG")).decode()
    kept = (
        f"data:image/jpeg;base64,{body}" if where == "modelspec.thumbnail" else json.dumps([body])
    )
    assert colour(previews.of(entry_of(tmp_path / "loras", **{where: kept}))) == LIME


@pytest.mark.parametrize(
    "metadata",
    [
        {"modelspec.thumbnail": "data:image/png;base64,!!!"},
        {"modelspec.thumbnail": "file:///etc/passwd"},
        {"modelspec.thumbnail": base64.b64encode(b"<svg onload=alert(1)>").decode()},
        {"ssmd_cover_images": "[" * 100_000},
        {"ssmd_cover_images": "{}"},
        {"ssmd_cover_images": "[7]"},
    ],
)
def test_what_is_no_picture_in_a_header_is_shown_as_none(
    tmp_path: Path, previews: Previews, metadata: dict[str, str]
) -> None:
    with pytest.raises(NotFound):
        previews.of(entry_of(tmp_path / "loras", **metadata))


def test_a_hostile_picture_beside_a_file_harms_nothing(tmp_path: Path, previews: Previews) -> None:
    folder = tmp_path / "loras"
    folder.mkdir()
    (folder / "ink.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    entry = entry_of(folder)
    for _ in range(2):
        with pytest.raises(NotFound):
            previews.of(entry)
    assert not list((tmp_path / "data").rglob("*.jpg"))


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_neither_a_link_nor_a_pipe_is_read(tmp_path: Path, previews: Previews) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture("red"))
    for name, make in (("linked", secret.symlink_to), ("piped", os.mkfifo)):
        folder = tmp_path / name
        folder.mkdir()
        if name == "linked":
            (folder / "ink.png").symlink_to(secret)
        else:
            make(folder / "ink.png")
        with pytest.raises(NotFound):
            previews.of(entry_of(folder))


def test_the_artists_choice_wins_survives_and_can_be_taken_back(
    tmp_path: Path, previews: Previews, door: Door
) -> None:
    folder = tmp_path / "loras"
    folder.mkdir()
    (folder / "ink.png").write_bytes(picture("red"))
    entry = entry_of(folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    previews.choose(entry, picture("blue"))
    previews.choose(entry, picture("lime"))
    assert colour(previews.of(entry)) == LIME
    again = Previews(tmp_path / "data", door, ModelNotes(tmp_path / "notes.json"))
    assert colour(again.of(entry)) == LIME
    assert len(list((tmp_path / "data" / "chosen").iterdir())) == 1
    again.forget(entry)
    assert colour(again.of(entry)) == RED
    assert not list((tmp_path / "data" / "chosen").iterdir())
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
