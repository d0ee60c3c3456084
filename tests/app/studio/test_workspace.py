"""The workspace is kept as it changes, whatever is sent and whatever happens to its file."""

import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.studio.errors import NotFound
from app.studio.workspace import FORMAT, TEXT_LIMIT, Change, Workspace
from pipelines.errors import RequestError, StorageError
from tests.trouble import full_disk

FIELDS = {"shared": {"prompt": "text", "checkpoint": "text"}, "one": {"steps": "number"}}
PICTURE = "20261121-004100-001-7"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "workspace.json"


def opened(file: Path, fields: dict = FIELDS) -> Workspace:
    workspace = Workspace(file)
    workspace.declare(fields)
    return workspace


def values(workspace: Workspace, tab: str) -> dict:
    return workspace.snapshot()["tabs"][tab]["values"]


def test_what_was_changed_is_there_after_any_end_of_the_process(file: Path) -> None:
    workspace = opened(file)
    workspace.change("shared", Change(values={"prompt": "a boat\n😀 مرحبا"}))
    workspace.change("one", Change(values={"steps": 7.5}, picture=PICTURE))
    workspace.choose("one")
    again = opened(file)  # nothing was closed
    assert again.snapshot() == {
        "version": 3,
        "tab": "one",
        "tabs": {
            "shared": {"values": {"prompt": "a boat\n😀 مرحبا"}, "picture": None},
            "one": {"values": {"steps": 7.5}, "picture": PICTURE},
        },
    }
    assert os.listdir(file.parent) == [file.name]


def test_of_each_field_the_last_value_counts(file: Path) -> None:
    workspace = opened(file)
    workspace.change("shared", Change(values={"prompt": "here", "checkpoint": "a"}))
    workspace.change("shared", Change(values={"prompt": "there"}))
    assert values(workspace, "shared") == {"prompt": "there", "checkpoint": "a"}


def test_the_version_grows_with_changes_only(file: Path) -> None:
    workspace = opened(file)
    one = workspace.change("one", Change(values={"steps": 3}))
    assert workspace.change("one", Change(values={"steps": 3})) == one
    assert workspace.change("one", Change()) == one
    assert workspace.change("one", Change(values={"steps": None})) == one + 1
    assert opened(file).version == one + 1


def test_a_picture_is_forgotten_only_when_that_is_said(file: Path) -> None:
    workspace = opened(file)
    workspace.change("one", Change(picture=PICTURE))
    workspace.change("one", Change(values={"steps": 3}))
    assert workspace.snapshot()["tabs"]["one"]["picture"] == PICTURE
    workspace.change("one", Change(picture=None))
    assert workspace.snapshot()["tabs"]["one"]["picture"] is None


def test_all_can_be_forgotten(file: Path) -> None:
    workspace = opened(file)
    workspace.change("one", Change(values={"steps": 3}, picture=PICTURE))
    before = workspace.version
    assert workspace.forget() > before
    assert values(opened(file), "one") == {}


@pytest.mark.parametrize(
    ("tab", "change", "field"),
    [
        ("one", {"steps": "many"}, "steps"),
        ("one", {"steps": True}, "steps"),
        ("one", {"steps": float("nan")}, "steps"),
        ("one", {"steps": float("inf")}, "steps"),
        ("one", {"steps": 10**400}, "steps"),
        ("one", {"prompt": "not of this tab"}, "prompt"),
        ("shared", {"prompt": None}, "prompt"),
        ("shared", {"prompt": ["a", "list"]}, "prompt"),
        ("shared", {"prompt": "x" * (TEXT_LIMIT + 1)}, "prompt"),
        ("shared", {"../../etc/passwd": "x"}, "../../etc/passwd"),
    ],
)
def test_what_cannot_be_kept_is_refused_as_a_whole(
    file: Path, tab: str, change: dict, field: str
) -> None:
    workspace = opened(file)
    with pytest.raises(RequestError) as refused:
        workspace.change(tab, Change(values={**change}))
    assert refused.value.field == field
    assert len(refused.value.message) < 200
    assert workspace.version == 0
    assert not file.exists()


def test_a_tab_or_a_picture_that_cannot_be_is_not_found(file: Path) -> None:
    workspace = opened(file)
    for tab, picture in (("two", None), ("one", "../../../secret"), ("one", "")):
        with pytest.raises(NotFound):
            workspace.change(tab, Change(picture=picture))
    with pytest.raises(NotFound):
        workspace.choose("x" * 100_000)


@given(
    st.dictionaries(
        st.sampled_from(["prompt", "checkpoint"]) | st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
        max_size=3,
    )
)
def test_whatever_is_sent_is_refused_or_comes_back(tmp_path_factory, sent: dict) -> None:
    file = tmp_path_factory.mktemp("hostile") / "workspace.json"
    workspace = opened(file)
    try:
        workspace.change("shared", Change(values=sent))
    except RequestError as refused:
        assert refused.field in sent
        return
    assert values(opened(file), "shared") == sent
    json.dumps(workspace.snapshot(), allow_nan=False).encode()


def test_half_a_character_becomes_a_sign_that_can_be_written(file: Path) -> None:
    workspace = opened(file)
    workspace.change("shared", Change(values={"prompt": "a \ud83d b \ud83d\ude00"}))
    assert values(opened(file), "shared")["prompt"] == "a \ufffd b 😀"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"format": 1}',
        b'{"format": 1, "version": 1, "tab": null, "tabs": {"one": 3}}',
        b'{"format": 1, "version": 1, "tab": null, "tabs": {"one": {"values": {"steps": [1]}}}}',
        b'{"format": 1, "version": 1, "tab": null, "tabs": {"one": {"values": {}, "picture": 3}}}',
        json.dumps({"format": FORMAT + 1, "version": 1, "tab": None, "tabs": {}}).encode(),
        b" " * 17_000_000,
    ],
    ids=lambda content: repr(content[:60]),
)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        workspace = opened(file)
    assert values(workspace, "one") == {}
    workspace.change("one", Change(values={"steps": 3}))
    (aside,) = file.parent.glob("workspace.json.damaged-*")
    assert aside.read_bytes() == content
    assert aside.name in caplog.text


def test_what_no_longer_exists_is_not_shown_and_not_lost(file: Path) -> None:
    workspace = opened(file)
    workspace.change("shared", Change(values={"prompt": "kept"}))
    workspace.change("one", Change(values={"steps": 3}))
    workspace.choose("one")
    newer = opened(file, {"shared": {"prompt": "number", "checkpoint": "text"}})
    assert newer.snapshot()["tabs"] == {"shared": {"values": {}, "picture": None}}
    assert newer.snapshot()["tab"] is None
    newer.change("shared", Change(values={"checkpoint": "other"}))
    assert values(opened(file), "shared") == {"prompt": "kept", "checkpoint": "other"}
    assert values(opened(file), "one") == {"steps": 3}


def test_assets_are_those_that_any_value_names(file: Path) -> None:
    workspace = opened(file)
    workspace.change("shared", Change(values={"prompt": "a" * 64, "checkpoint": "b" * 63}))
    assert workspace.assets() == {"a" * 64}
    assert opened(file, {}).assets() == {"a" * 64}


def test_a_disk_that_takes_nothing_gets_a_sentence_and_changes_nothing(file: Path) -> None:
    workspace = opened(file)
    workspace.change("one", Change(values={"steps": 3}))
    with full_disk(), pytest.raises(StorageError) as refused:
        workspace.change("one", Change(values={"steps": 4}))
    assert refused.value.cure
    assert values(workspace, "one") == {"steps": 3}
    assert values(opened(file), "one") == {"steps": 3}
