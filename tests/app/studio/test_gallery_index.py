"""Whatever happens to the folder, the index says what a fresh one would; and it finds things."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.studio.gallery import Gallery, Query
from app.studio.gallery.info import read_info
from app.studio.gallery.trash import Trash
from tests.pictures import png, put

IDS = [
    "20261118-120000-1",
    "20261118-120000-001-7",
    "20261119-080000-001-5",
    "20261119-080000-002-6",
    "20261120-235959-18446744073709551615",
]
DAYS = ["2026-11-18", "2026-11-19", "2026-11-20"]
BODIES = [png("a red house", 1), png("a white boat", 2, "seascapes"), b"not a picture", b""]


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    opened = Gallery(tmp_path / "outputs", tmp_path / "data")
    yield opened
    opened.close()


def rest(outputs: Path, clock: Iterator[int]) -> None:
    """Let the folders look as if they had last been changed a while ago, each time another."""
    for day in outputs.glob("2*"):
        moment = next(clock)
        os.utime(day, (moment, moment))


pictures = st.sampled_from(IDS)
days = st.sampled_from(DAYS)
changes = st.one_of(
    st.tuples(st.just("add"), pictures, st.sampled_from(BODIES)),
    st.tuples(st.just("drop"), pictures, st.sampled_from(BODIES), days),
    st.tuples(st.just("take"), pictures, days),
    st.tuples(st.just("delete"), pictures),
    st.tuples(st.just("restore"), pictures),
    st.tuples(st.just("favour"), pictures),
    st.tuples(st.just("mark by hand"), pictures),
    st.tuples(st.just("remove day"), days),
    st.tuples(st.just("look")),
)


def change(gallery: Gallery, outputs: Path, what: str, *values: object) -> None:
    match what, *values:
        case "add", str(picture), bytes(data):
            put(outputs, picture, data)
            gallery.add(picture)
        case "drop", str(picture), bytes(data), str(day):
            # As a file manager does it: a new file takes the place of an old one.
            new = put(outputs, picture, data, day + "-x")
            new.parent.joinpath(new.name).touch()
            (outputs / day).mkdir(exist_ok=True)
            os.replace(new, outputs / day / new.name)
            new.parent.rmdir()
        case "take", str(picture), str(day):
            (outputs / day / f"{picture}.png").unlink(missing_ok=True)
        case "delete", str(picture):
            gallery.delete([picture])
        case "restore", str(picture):
            gallery.restore([picture])
        case "favour", str(picture) if any(outputs.glob(f"2*/{picture}.png")):
            gallery.favour(picture, True)
        case "mark by hand", str(picture):
            (outputs / "favourites.txt").write_text(f"# mine\n{picture}\n")
        case "remove day", str(day):
            shutil.rmtree(outputs / day, ignore_errors=True)
        case "look", *_:
            gallery.search(10)


@settings(deadline=None, max_examples=60)
@given(st.lists(changes, max_size=14))
def test_after_any_changes_the_index_is_that_of_a_fresh_look(tmp_path_factory, done):
    home = tmp_path_factory.mktemp("gallery")
    outputs = home / "outputs"
    outputs.mkdir()
    clock = iter(range(1_000_000_000, 2_000_000_000))
    kept = Gallery(outputs, home / "kept")
    for step in done:
        change(kept, outputs, *step)
        rest(outputs, clock)
    fresh = Gallery(outputs, home / "fresh")
    assert kept.search(500) == fresh.search(500)
    assert kept.days() == fresh.days()
    for word in ("red", "boat"):
        assert kept.search(500, query=Query(word)) == fresh.search(500, query=Query(word))
    kept.close()
    fresh.close()


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_no_file_however_broken_stops_a_list(tmp_path_factory, data):
    whole = png()
    place = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=40))
    folder = tmp_path_factory.mktemp("broken")
    file = folder / "20261120-120000-1.png"
    file.write_bytes(whole[:place] + junk + whole[place + data.draw(st.integers(0, 60)) :])
    info = read_info(file, False)
    assert info is None or info.id == file.stem


@pytest.mark.parametrize("damage", ["junk", "cut", "gone", "other version"])
def test_a_damaged_or_lost_index_is_made_again(tmp_path, damage):
    put(tmp_path / "outputs", IDS[0])
    index = tmp_path / "data" / "gallery.sqlite"
    first = Gallery(tmp_path / "outputs", tmp_path / "data")
    expected = first.search(10)
    first.close()
    match damage:
        case "junk":
            index.write_bytes(os.urandom(5000))
        case "cut":
            index.write_bytes(index.read_bytes()[:5000])
        case "gone":
            index.unlink()
        case _:
            table = sqlite3.connect(index)
            table.execute("PRAGMA user_version = 99")
            table.close()
    again = Gallery(tmp_path / "outputs", tmp_path / "data")
    again.search(10)  # may be what finds the damage
    assert again.search(10) == expected
    again.close()


def test_a_folder_of_which_pictures_were_lost_meanwhile_is_read_again(gallery, tmp_path):
    put(tmp_path / "outputs", IDS[0])
    put(tmp_path / "outputs", IDS[1])
    rest(tmp_path / "outputs", iter([1_000]))
    gallery.search(10)
    index = gallery._index
    assert index.times() == {DAYS[0]: 1_000 * 10**9}
    index.remove(DAYS[0], [IDS[0]])  # as a damaged index loses all of them
    index.settle(DAYS[0], 1_000 * 10**9, 2)
    assert [info.id for info in gallery.search(10)] == IDS[:2]


def test_while_the_disk_is_full_what_is_known_is_shown(gallery, tmp_path):
    put(tmp_path / "outputs", IDS[0])
    assert [info.id for info in gallery.search(10)] == [IDS[0]]
    gallery._index._connection.execute("PRAGMA query_only = ON")
    put(tmp_path / "outputs", IDS[1])
    assert [info.id for info in gallery.search(10)] == [IDS[0]]
    assert gallery.days() == [(DAYS[0], 1)]
    gallery._index._connection.execute("PRAGMA query_only = OFF")
    assert [info.id for info in gallery.search(10)] == IDS[:2]


def test_a_link_a_pipe_and_an_impossible_date_are_no_pictures(gallery, tmp_path):
    real = put(tmp_path / "outputs", IDS[0])
    (real.parent / "20261118-120001-1.png").symlink_to(real)
    os.mkfifo(real.parent / "20261118-120002-1.png")
    put(tmp_path / "outputs", "20269999-999999-1", day="2026-11-18")
    assert [info.id for info in gallery.search(10)] == [IDS[0]]


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("a red house, a meadow", "hou mead"),
        ("(red:1.2) house", "red"),
        ("long_hair", "long_hair"),
        ("Ünïcode CAFÉ", "unicode cafe"),
        ("桜の花が咲く京都の庭", "京都"),
        ("桜の花が咲く京都の庭", "花が"),
        ("บ้านสีแดง", "สีแดง"),
        ("красный дом", "крас"),
        ("بيت أحمر", "أحمر"),
        ("a 🦊 in leaves", "🦊"),
        ("\uff46\uff55\uff4c\uff4c width", "full"),
        ("before\x00after", "after"),
        ("anything", '"'),
        ("a house near the sea", "( * - NEAR ^ :"),
        ('say "hello" OR NOT', 'hello" NOT'),
    ],
)
def test_words_are_found_in_every_script(gallery, tmp_path, prompt, text):
    put(tmp_path / "outputs", IDS[0], png(prompt))
    put(tmp_path / "outputs", IDS[1], png("zzz anything"))
    assert IDS[0] in [info.id for info in gallery.search(10, query=Query(text))]


@pytest.mark.parametrize(
    "text",
    [
        "boat",
        "house OR boat",
        "red NOT house boat",
        "prompt : x",
        '" OR rowid > 0 --',
        "ed",
        "京",
        "x" * 500,
        "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 9,
    ],
)
def test_what_is_not_there_is_not_found_and_no_operator_is_one(gallery, tmp_path, text):
    put(tmp_path / "outputs", IDS[0], png("a red house"))
    assert gallery.search(10, query=Query(text)) == []


def test_filters_are_joined(gallery, tmp_path):
    outputs = tmp_path / "outputs"
    put(outputs, "20261118-120000-1", png("a red house", 1, "one"))
    put(outputs, "20261119-120000-2", png("a red boat", 2, "two"))
    put(outputs, "20261120-120000-3", png("a red house", 2**64 - 1, "two"))
    gallery.favour("20261120-120000-3", True)

    def found(**query: object) -> list[str]:
        return [info.id[7] for info in gallery.search(10, query=Query(**query))]

    assert found(text="red") == ["0", "9", "8"]
    assert found(text="house", checkpoint="two") == ["0"]
    assert found(seed=2**64 - 1) == ["0"]
    assert found(since=date(2026, 11, 19)) == ["0", "9"]
    assert found(until=date(2026, 11, 19)) == ["9", "8"]
    assert found(since=date(2026, 11, 19), until=date(2026, 11, 19)) == ["9"]
    assert found(favourite=True) == ["0"]
    assert gallery.days(Query("house")) == [("2026-11-20", 1), ("2026-11-18", 1)]
    assert gallery.checkpoints() == [("one", 1), ("two", 2)]


def test_pages_join_without_a_gap(gallery, tmp_path):
    ids = [f"20261118-1200{k:02}-001-{k}" for k in range(20)]
    for picture in ids:
        put(tmp_path / "outputs", picture)
    by_offset = [info.id for k in range(0, 20, 7) for info in gallery.search(7, offset=k)]
    by_picture: list[str] = []
    while page := gallery.search(7, by_picture[-1] if by_picture else None):
        by_picture += [info.id for info in page]
    assert by_offset == by_picture == ids[::-1]


def test_favourites_outlive_the_index_and_the_trash(gallery, tmp_path):
    put(tmp_path / "outputs", IDS[0])
    gallery.favour(IDS[0], True)
    gallery.delete([IDS[0]])
    gallery.restore([IDS[0]])
    fresh = Gallery(tmp_path / "outputs", tmp_path / "fresh")
    assert [info.favourite for info in fresh.search(10)] == [True]
    fresh.close()


def test_what_is_deleted_lies_in_the_trash_and_comes_back_as_it_was(gallery, tmp_path):
    outputs = tmp_path / "outputs"
    data = put(outputs, IDS[0]).read_bytes()
    small = gallery.thumbnail(IDS[0])
    before = gallery.search(10)
    assert gallery.delete([IDS[0], "20261118-120000-9", "../../etc/passwd"]) == [IDS[0]]
    assert not small.exists()
    assert gallery.search(10) == []
    assert [file.read_bytes() for file in outputs.glob(".trash/*/*/*.png")] == [data]
    assert gallery.restore([IDS[0], "../../etc/passwd"]) == [IDS[0]]
    assert gallery.search(10) == before
    assert gallery.path(IDS[0]).read_bytes() == data


def test_a_picture_that_has_just_gone_is_no_trouble_to_the_trash(tmp_path):
    Trash(tmp_path).take(tmp_path / "2026-11-18" / f"{IDS[0]}.png", date(2026, 11, 20))
    assert not list(tmp_path.glob(".trash/*/*/*"))


def test_nothing_in_the_trash_or_the_folder_is_ever_replaced(gallery, tmp_path):
    outputs = tmp_path / "outputs"
    for prompt in ("first", "second", "third"):
        put(outputs, IDS[0], png(prompt))
        gallery.delete([IDS[0]])
    put(outputs, IDS[0], png("fourth"))
    assert gallery.restore([IDS[0]]) == []
    assert gallery.recipe(IDS[0]).prompt == "fourth"
    assert len(list(outputs.glob(".trash/*/*/*.png"))) == 3


def test_the_trash_is_emptied_of_what_is_older_than_thirty_days(tmp_path):
    trash = tmp_path / "outputs" / ".trash"
    old, new = trash / "2026-01-01" / "2025-12-31", trash / date.today().isoformat() / "2026-01-01"
    other = trash / "my own notes"
    for folder in (old, new, other):
        folder.mkdir(parents=True)
    opened = Gallery(tmp_path / "outputs", tmp_path / "data")
    opened.start()
    deadline = time.monotonic() + 10
    while old.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    opened.close()
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)


def test_a_large_folder_is_read_in_the_background_newest_first(tmp_path, monkeypatch):
    monkeypatch.setattr("app.studio.gallery.sync.AT_ONCE_SECONDS", 0.0)
    outputs = tmp_path / "outputs"
    for k in range(450):
        put(outputs, f"20261118-{k // 60 + 10:02}{k % 60:02}00-001-{k}")
    changes: list[int] = []
    opened = Gallery(outputs, tmp_path / "data", lambda: changes.append(1))
    newest = opened.search(500)
    assert 0 < len(newest) < 450
    assert newest[0].id == "20261118-172900-001-449"
    opened.start()
    deadline = time.monotonic() + 20
    while len(opened.search(500)) < 450 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(opened.search(500)) == 450
    assert opened.version == len(changes) > 1
    opened.close()
