"""Names of pictures: settled before they are painted, growing, found again in the folder."""

from datetime import date, datetime, timedelta

from app.studio.gallery import PICTURE_ID
from app.studio.plan import day_of, file_of, made, name_pictures, sweep

NOON = datetime(2026, 11, 21, 12, 0, 0)


def test_a_name_says_when_which_and_from_what_seed():
    names = name_pictures([7, 2**64 - 1], NOON, None)
    assert names == ["20261121-120000-001-7", "20261121-120000-002-18446744073709551615"]
    assert all(PICTURE_ID.fullmatch(name) for name in names)
    assert day_of(names[0]) == date(2026, 11, 21)


def test_names_go_on_within_a_second_and_while_the_clock_goes_back():
    last = name_pictures([1], NOON, None)[-1]
    for now in (NOON, NOON - timedelta(hours=1)):
        [name] = name_pictures([1], now, last)
        assert name > last
        last = name
    [later] = name_pictures([1], NOON + timedelta(seconds=1), last)
    assert later == "20261121-120001-001-1"


def test_more_than_a_second_can_count_runs_into_the_next():
    names = name_pictures([5] * 2000, NOON, None)
    assert names == sorted(set(names))
    assert names[998:1000] == ["20261121-120000-999-5", "20261121-120001-001-5"]


def test_a_clock_that_was_days_ahead_is_not_followed_for_ever():
    [name] = name_pictures([1], NOON, "20991231-000000-001-1")
    assert name == "20261121-120000-001-1"


def test_the_folder_tells_what_is_made_and_is_swept_of_what_is_not(tmp_path):
    names = name_pictures([1, 2], NOON, None)
    there = file_of(names[1], tmp_path)
    there.parent.mkdir()
    there.write_bytes(b"whole")
    unfinished = there.with_name(".0123456789abcdef.part")
    unfinished.write_bytes(b"half")
    mine = there.with_name("notes.part")
    mine.write_text("the artist's own")
    assert made(names, tmp_path) == [names[1]]
    sweep(names, tmp_path)
    assert sorted(there.parent.iterdir()) == sorted([there, mine])
    sweep(names, tmp_path / "no such folder")
