"""The folder of pictures is the truth; an id never leads anywhere else."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from app.studio.errors import NotFound
from app.studio.gallery import THUMBNAIL_SIDE, Gallery
from pipelines.errors import RecipeFileError, StorageError
from pipelines.geometry import Size
from pipelines.metadata import save
from pipelines.picture import Facts, Picture
from pipelines.recipe import ModelRef, Recipe

RECIPE = Recipe(
    prompt="a red house",
    seed=2**64 - 1,
    size=Size(width=64, height=128),
    checkpoint=ModelRef(name="tiny"),
)
FACTS = Facts(seconds=1.0, device="cpu", dtype="float32", threads=1, versions={})

HOSTILE_IDS = [
    "",
    "..",
    "../20261120-120000-1",
    "../../etc/passwd",
    "/etc/passwd",
    "20261120-120000-1/../../x",
    "20261120-120000-1.png",
    "20261120-120000-1\x00",
    "20261120-120000-1\n",
    "..\\20261120-120000-1",
    "%2e%2e%2fx",
    "20261120-120000-" + "1" * 5000,
    "\u0662\u0660\u0662\u0666\u0661\u0661\u0662\u0660-120000-1",
]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    opened = Gallery(tmp_path / "outputs", tmp_path / "data")
    yield opened
    opened.close()


def put(gallery: Gallery, picture: str, day: str = "2026-11-20", side: int = 64) -> Path:
    path = gallery.folder(date.fromisoformat(day)) / f"{picture}.png"
    save(Picture(Image.new("RGB", (side, 2 * side), "red"), RECIPE, FACTS), path)
    return path


def test_pictures_are_listed_newest_first_over_days(gallery):
    put(gallery, "20261119-235959-7", "2026-11-19")
    put(gallery, "20261120-120000-1")
    put(gallery, "20261120-120001-1")
    found = gallery.search(10)
    assert [info.id for info in found] == [
        "20261120-120001-1",
        "20261120-120000-1",
        "20261119-235959-7",
    ]
    assert (found[0].width, found[0].height) == (64, 128)
    assert (found[0].prompt, found[0].seed) == ("a red house", 2**64 - 1)
    assert found[0].created_at == "2026-11-20T12:00:01"


def test_a_list_goes_on_where_the_last_one_ended(gallery):
    ids = [f"20261120-1200{k:02}-1" for k in range(5)]
    for picture in ids:
        put(gallery, picture)
    first = gallery.search(2)
    rest = gallery.search(10, before=first[-1].id)
    assert [info.id for info in first + rest] == ids[::-1]


def test_a_deleted_picture_is_gone_and_a_copied_one_is_there_at_once(gallery):
    path = put(gallery, "20261120-120000-1")
    copy = path.with_name("20261120-120000-2.png")
    copy.write_bytes(path.read_bytes())
    path.unlink()
    assert [info.id for info in gallery.search(10)] == ["20261120-120000-2"]
    with pytest.raises(NotFound):
        gallery.path("20261120-120000-1")


def test_other_files_in_the_folder_are_left_alone(gallery):
    folder = put(gallery, "20261120-120000-1").parent
    (folder / "notes.txt").write_text("mine")
    (folder / "20261120-120000-9.png").write_text("not a picture")
    (folder / ".abc.part").write_bytes(b"half a picture")
    (folder / "20261120-120000-8.png").mkdir()
    (folder.parent / "private").mkdir()
    assert [info.id for info in gallery.search(10)] == ["20261120-120000-1"]


def test_an_empty_studio_has_no_pictures(gallery):
    assert gallery.search(10) == []


def test_a_job_past_midnight_is_found_in_the_folder_it_began_in(gallery):
    path = put(gallery, "20261121-000003-1", "2026-11-20")
    assert gallery.path("20261121-000003-1") == path


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
def test_what_is_no_id_is_not_found(gallery, hostile):
    put(gallery, "20261120-120000-1")
    with pytest.raises(NotFound):
        gallery.path(hostile)


def test_a_link_out_of_the_folder_is_not_followed(gallery, tmp_path):
    folder = put(gallery, "20261120-120000-1").parent
    secret = tmp_path / "secret.png"
    secret.write_bytes((folder / "20261120-120000-1.png").read_bytes())
    (folder / "20261120-120000-2.png").symlink_to(secret)
    with pytest.raises(NotFound):
        gallery.path("20261120-120000-2")


def test_a_thumbnail_is_small_keeps_the_shape_and_is_made_once(gallery):
    put(gallery, "20261120-120000-1", side=1000)
    small = gallery.thumbnail("20261120-120000-1")
    with Image.open(small) as image:
        assert image.format == "JPEG"
        assert image.size == (THUMBNAIL_SIDE // 2, THUMBNAIL_SIDE)
    made = small.stat().st_mtime_ns
    assert gallery.thumbnail("20261120-120000-1") == small
    assert small.stat().st_mtime_ns == made
    assert len(list(small.parent.iterdir())) == 1


def test_a_broken_picture_has_no_thumbnail_but_a_sentence(gallery, tmp_path):
    path = put(gallery, "20261120-120000-1", side=300)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(NotFound, match="damaged"):
        gallery.thumbnail("20261120-120000-1")
    assert list((tmp_path / "data" / "thumbnails").rglob("*.*")) == []


def test_a_file_too_large_for_a_picture_is_never_read_whole(gallery):
    path = put(gallery, "20261120-120000-1", side=300)
    os.truncate(path, 2**33)  # takes no room on the disk
    for ask in (gallery.thumbnail, gallery.data):
        with pytest.raises(NotFound, match="too large"):
            ask("20261120-120000-1")
    assert [info.id for info in gallery.search(9)] == ["20261120-120000-1"]


def test_a_picture_gives_back_its_recipe(gallery):
    put(gallery, "20261120-120000-1")
    assert gallery.recipe("20261120-120000-1") == RECIPE


def test_a_picture_without_a_recipe_is_listed_and_says_so(gallery):
    folder = gallery.folder(date(2026, 11, 20))
    Image.new("RGB", (8, 8)).save(folder / "20261120-120000-1.png")
    assert [info.prompt for info in gallery.search(10)] == [None]
    with pytest.raises(RecipeFileError):
        gallery.recipe("20261120-120000-1")


def test_a_folder_that_cannot_be_written_is_a_sentence(gallery, tmp_path):
    (tmp_path / "outputs").write_text("a file in the way")
    with pytest.raises(StorageError, match="choose another folder"):
        gallery.folder(date(2026, 11, 20))
