"""Pictures that were brought in: what is kept, for how long, and what is not there any more."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from app.studio.assets import ASSET_ID, Asset, Assets, ids_in
from app.studio.errors import NotFound
from app.studio.queue import Queue
from pipelines.errors import ImageFileError, StorageError
from pipelines.images import Door
from tests.pipelines.images.pictures import encoded, picture


@pytest.fixture(scope="module")
def door():
    door = Door()
    yield door
    door.close()


@pytest.fixture
def assets(tmp_path: Path, door: Door) -> Assets:
    return Assets(tmp_path / "data" / "assets", door, set)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.rglob("*") if file.is_file()}


def one(colour: int) -> bytes:
    """A picture of its own for each number; its files take some 250 KB."""
    noise = Image.effect_noise((300, 300), 50).convert("RGB")
    return encoded(Image.blend(noise, Image.new("RGB", (300, 300), (colour, 0, 0)), 0.1))


def test_what_is_brought_is_there_with_its_size_and_a_small_version(assets):
    added = assets.add(encoded(picture(900, 300).convert("RGBA")))
    assert assets.info(added.asset.id) == added.asset == Asset(added.asset.id, 900, 300, False)
    with Image.open(assets.path(added.asset.id)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (900, 300))
        assert image.tobytes() == picture(900, 300).tobytes()
    with Image.open(assets.thumbnail(added.asset.id)) as small:
        assert (small.format, small.size) == ("JPEG", (384, 128))


def test_the_same_picture_is_one_asset_in_whatever_file_it_comes(assets, tmp_path):
    ids = {assets.add(encoded(picture(), kind)).asset.id for kind in ("PNG", "BMP", "PNG")}
    [asset] = ids
    assert ASSET_ID.fullmatch(asset)
    assert names(tmp_path) == {f"{asset}.png", f"{asset}.jpg", f"{asset}.json"}


def test_what_was_passed_over_is_told_and_not_kept(assets):
    moving = encoded(picture(), "GIF", save_all=True, append_images=[picture().rotate(180)])
    assert assets.add(moving).notices == ("It is animated; only its first frame is used.",)
    assert assets.add(encoded(picture(), "GIF")).notices == ()


@pytest.mark.parametrize(
    "asset", ["", "..", "a" * 63, "A" * 64, "a" * 65, "../" * 21 + "a", "a" * 63 + "\n", "b" * 64]
)
def test_what_is_no_id_or_not_there_is_told(assets, asset):
    assets.add(encoded(picture()))
    for ask in (assets.info, assets.path, assets.thumbnail):
        with pytest.raises(NotFound):
            ask(asset)


def test_what_cannot_be_opened_leaves_nothing(assets, tmp_path):
    for data in (b"", b"<svg/>", encoded(picture())[:-40]):
        with pytest.raises(ImageFileError):
            assets.add(data)
    assert names(tmp_path) == set()


def test_an_asset_whose_last_file_is_missing_or_damaged_is_brought_again(assets, tmp_path):
    asset = assets.add(encoded(picture())).asset.id
    for text in ("", "[]", '{"id": 1}', "{"):
        (tmp_path / "data" / "assets" / f"{asset}.json").write_text(text)
        with pytest.raises(NotFound):
            assets.path(asset)
    assert assets.add(encoded(picture())).asset.id == asset
    assert assets.path(asset).is_file()


def test_a_folder_that_cannot_be_written_is_told(tmp_path, door):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be kept") as refused:
        Assets(tmp_path / "file" / "assets", door, set).add(encoded(picture()))
    assert refused.value.cure


# How long assets stay


def test_past_the_quota_what_was_not_used_for_longest_goes(tmp_path, door):
    assets = Assets(tmp_path, door, set, quota=700_000)
    first, second, third = (assets.add(one(n)).asset.id for n in (0, 90, 200))
    for age, asset in ((300, first), (200, second), (100, third)):
        for file in tmp_path.glob(f"{asset}*"):
            os.utime(file, (time.time() - age, time.time() - age))
    assets.path(first)  # used again
    assets.add(one(255))
    assert {file.stem for file in tmp_path.iterdir()} >= {first}
    with pytest.raises(NotFound):
        assets.info(second)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 700_000


def test_what_is_referred_to_stays_whatever_the_quota(tmp_path, door):
    kept: set[str] = set()
    assets = Assets(tmp_path, door, lambda: kept, quota=1)
    kept.add(assets.add(one(0)).asset.id)
    for n in (90, 200):
        newest = assets.add(one(n)).asset.id
        assert {file.stem for file in tmp_path.iterdir()} == {*kept, newest}


def test_what_was_left_half_written_is_swept_up_and_other_files_are_not(tmp_path, door):
    assets = Assets(tmp_path, door, set)
    old, fresh, other = tmp_path / ".a.part", tmp_path / ".b.part", tmp_path / "notes.txt"
    for file in (old, fresh, other):
        file.write_text("x")
    os.utime(old, (1, 1))
    os.utime(other, (1, 1))
    assets.add(encoded(picture()))
    assert (old.exists(), fresh.exists(), other.exists()) == (False, True, True)


def test_many_at_once_are_all_kept(assets):
    found = []

    def bring(n: int) -> None:
        found.append(assets.add(encoded(picture(16 + n, 16))).asset.id)

    threads = [threading.Thread(target=bring, args=(n % 4,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12 and len(set(found)) == 4
    assert all(assets.path(asset).is_file() for asset in found)


def test_references_are_found_in_any_text():
    asset, other = "a1" * 32, "0f" * 32
    text = json.dumps({"picture": {"asset": asset}, "init": [f"assets/{other}.png"]})
    assert ids_in(text) == {asset, other}
    assert ids_in("a1" * 33 + " " + "a1" * 31) == set()


def test_jobs_refer_to_their_assets_until_they_are_over(tmp_path):
    queue = Queue(tmp_path / "jobs.sqlite")
    first, second = "a1" * 32, "0f" * 32
    job = queue.add("render", "a", [{"seed": 1, "init": {"image": first}}])
    queue.add("render", "b", [{"seed": 1, "init": {"image": second}}])
    assert ids_in(queue.unfinished_work()) == {first, second}
    queue.take()
    assert ids_in(queue.unfinished_work()) == {first, second}
    queue.end(job.id, "done")
    assert ids_in(queue.unfinished_work()) == {second}
    queue.clear("waiting")
    assert queue.unfinished_work() == ""
    queue.close()
