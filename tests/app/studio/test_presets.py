"""Settings are kept under names: whatever they are called, and whatever happens to their file."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.studio.errors import NameTaken, NotFound
from app.studio.presets import BUNDLED, FORMAT, LIMIT, NAME_LIMIT, Presets
from app.studio.reuse import recall
from pipelines.catalog import PRESETS, Catalog
from pipelines.draft import AUTOMATIC, Draft, expand
from pipelines.errors import RequestError, StorageError

INK = Draft(steps=30, sampler="Euler a", schedule=AUTOMATIC, prediction_type=None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "presets.json"


@pytest.fixture(scope="module")
def catalog(tiny_home: Path) -> Catalog:
    return Catalog.open([tiny_home / "models"], [PRESETS, tiny_home / "presets"])


def names(presets: Presets) -> list[str]:
    return [preset.name for preset in presets.all()]


def test_what_was_kept_comes_back_after_any_end_of_the_process(file: Path) -> None:
    Presets(file).put("Ink", INK)
    again = Presets(file)  # nothing was closed
    assert names(again) == ["Ink"]
    assert again.get("Ink").draft == INK
    assert again.get("Ink").draft.model_fields_set == INK.model_fields_set
    assert again.get("Ink").values == {
        "steps": 30,
        "sampler": "Euler a",
        "schedule": "Automatic",
        "prediction_type": None,
    }


def test_a_name_is_taken_until_it_is_said_to_be_replaced(file: Path) -> None:
    presets = Presets(file)
    assert presets.put("Ink", INK) is None
    for same in ("Ink", "  ink ", "INK", "\uff29nk"):
        with pytest.raises(NameTaken) as refused:
            presets.put(same, Draft(steps=3))
        assert refused.value.field == "name"
    assert presets.get("Ink").draft == INK
    former = presets.put("INK", Draft(steps=3), replace=True)
    assert former is not None and former.draft == INK
    assert names(Presets(file)) == ["INK"]
    assert Presets(file).get("ink").values == {"steps": 3}


def test_what_was_removed_can_be_put_back(file: Path) -> None:
    presets = Presets(file)
    presets.put("Ink", INK)
    presets.put("Chalk", Draft(steps=4))
    removed = presets.remove("ink")
    assert names(presets) == names(Presets(file)) == ["Chalk"]
    with pytest.raises(NotFound):
        presets.remove("Ink")
    presets.put(removed.name, removed.draft)
    assert names(Presets(file)) == ["Chalk", "Ink"]


def test_the_bundled_ones_are_there_at_first_and_can_be_removed_for_good(file: Path) -> None:
    presets = Presets(file, BUNDLED)
    assert names(presets) == ["Careful", "Quick sketch"]
    presets.remove("Careful")
    assert names(Presets(file, BUNDLED)) == ["Quick sketch"]


def test_the_bundled_ones_suit_every_checkpoint(catalog: Catalog) -> None:
    quick, careful = (Presets(Path("none"), BUNDLED).get(n) for n in ("quick sketch", "careful"))
    for preset in (quick, careful):
        assert not {"checkpoint", "size", "guidance_scale", "seed"} & preset.values.keys()
        assert recall(preset.draft, catalog).draft == preset.draft
    usual = expand(Draft(checkpoint="starter"), Catalog.open())[0].steps
    assert quick.values["steps"] < usual < careful.values["steps"]


@pytest.mark.parametrize(
    ("name", "draft", "field"),
    [
        ("", INK, "name"),
        (" \n\t ", INK, "name"),
        ("x" * (NAME_LIMIT + 1), INK, "name"),
        ("x" * 1_000_000, INK, "name"),
        ("..", INK, "name"),
        ("../../etc/passwd", INK, "name"),
        ("C:\\windows", INK, "name"),
        ("a//b", INK, "name"),
        ("turned \u202eover", INK, "name"),
        ("null\0", INK, "name"),
        ("half \ud83d", INK, "name"),
        ("Nothing", Draft(), None),
        ("Steps", Draft(steps=5000), "steps"),
        ("Seed", Draft(seed=2**64), "seed"),
        ("Guidance", Draft(guidance_scale=float("nan")), "guidance_scale"),
        ("Prompt", Draft(prompt="x" * 10_001), "prompt"),
        ("Sampler", Draft(sampler="x" * 101), "sampler"),
        ("Checkpoint", Draft(checkpoint="x" * 513), "checkpoint"),
        ("Checkpoint", Draft(checkpoint=""), "checkpoint"),
    ],
)
def test_what_cannot_be_kept_gets_a_sentence(
    file: Path, name: str, draft: Draft, field: str | None
) -> None:
    presets = Presets(file)
    with pytest.raises(RequestError) as refused:
        presets.put(name, draft)
    assert refused.value.field == field
    assert len(refused.value.message) < 200
    assert not file.exists()


@pytest.mark.parametrize(
    "name",
    ["<img src=x onerror=alert(1)>", "16/9", "'; DROP TABLE presets; --", "%2e%2e", "تجربة",
     "👩🏽‍🎨 ink", "__proto__", "null", "a?b#c&d", "{name}", "~"],
)  # fmt: skip
def test_a_hostile_name_is_text(file: Path, name: str) -> None:
    Presets(file).put(name, INK)
    again = Presets(file)
    assert names(again) == [name]
    assert again.remove(name).draft == INK
    assert names(Presets(file)) == []


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.text(),
        "seed": st.none() | st.integers(),
        "steps": st.none() | st.integers(-1, 200),
        "guidance_scale": st.floats(),
        "sampler": st.text(),
        "checkpoint": st.none() | st.text(),
        "size": st.sampled_from(["512x512", "64x64", None]),
        "count": st.integers(0, 70),
        "path": st.just("/etc/passwd"),
    },
)


@given(name=st.text(st.characters()), values=VALUES)
def test_whatever_is_sent_is_refused_or_comes_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, values: dict[str, Any]
) -> None:
    file = tmp_path_factory.mktemp("hostile") / "presets.json"
    try:
        Presets(file).put(name, Draft.of(values))
    except RequestError as refused:
        assert refused.field in {"name", None, *values}
        assert not file.exists()
        return
    (found,) = Presets(file).all()
    assert Presets(file).get(name) == found
    assert found.draft == Draft.of(values)
    json.dumps(found.values, allow_nan=False).encode()
    found.name.encode()


def test_there_is_an_end_to_their_number(file: Path) -> None:
    whole = {"format": FORMAT, "presets": {f"p{k}": {"steps": 1} for k in range(LIMIT)}}
    file.parent.mkdir()
    file.write_text(json.dumps(whole))
    presets = Presets(file)
    with pytest.raises(RequestError, match=str(LIMIT)):
        presets.put("one more", INK)
    presets.put("p0", INK, replace=True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b"[" * 100_000,
        b'{"format": 1}',
        b'{"format": 1, "presets": []}',
        json.dumps({"format": FORMAT + 1, "presets": {}}).encode(),
        b" " * 41_000_000,
    ],
    ids=lambda content: repr(content[:60]),
)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    file: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        presets = Presets(file, BUNDLED)
    assert names(presets) == ["Careful", "Quick sketch"]
    presets.put("Ink", INK)
    (aside,) = file.parent.glob("presets.json.damaged-*")
    assert aside.read_bytes() == content
    assert aside.name in caplog.text


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("a", 3),
        ("a", {}),
        ("a", {"steps": "many"}),
        ("a", {"path": "/etc/passwd"}),
        ("..", {"steps": 3}),
    ],
)
def test_a_preset_that_is_not_understood_stays_in_the_file_unseen(
    file: Path, name: str, own: object, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.mkdir()
    ink = {"steps": 30}
    file.write_text(json.dumps({"format": FORMAT, "presets": {name: own, "Ink": ink}}))
    with caplog.at_level(logging.WARNING):
        presets = Presets(file, BUNDLED)
    assert names(presets) == ["Ink"]
    assert name in caplog.text
    presets.put("Chalk", INK)
    kept = json.loads(file.read_bytes())["presets"]
    assert kept[name] == own
    assert names(Presets(file)) == ["Chalk", "Ink"]


def test_a_file_that_cannot_be_written_changes_nothing(file: Path) -> None:
    presets = Presets(file)
    presets.put("Ink", INK)
    file.unlink()
    file.mkdir()  # stands in the way of every write
    with pytest.raises(StorageError) as refused:
        presets.put("Chalk", INK)
    assert refused.value.cure
    with pytest.raises(StorageError):
        presets.remove("Ink")
    assert names(presets) == ["Ink"]


def test_what_is_gone_is_left_open_and_told(catalog: Catalog) -> None:
    kept = Draft(sampler="Long gone", schedule="Karras", checkpoint="gone-too", steps=7)
    found = recall(kept, catalog)
    assert found.draft.model_dump(exclude_unset=True) == {"schedule": "Karras", "steps": 7}
    assert len(found.differences) == 2
    assert "gone-too" in found.differences[0]
    assert "Long gone" in found.differences[1]


def test_what_is_here_comes_back_as_it_was_and_nothing_else_does(catalog: Catalog) -> None:
    for kept in (INK, Draft(sampler="Euler a"), Draft(checkpoint="tiny-sd1", seed=None)):
        found = recall(kept, catalog)
        assert found.draft == kept
        assert found.draft.model_fields_set == kept.model_fields_set
        assert found.differences == ()
