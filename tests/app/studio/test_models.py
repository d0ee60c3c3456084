"""The model files as the page lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.studio.errors import NotFound
from app.studio.models import Models, Wish
from pipelines.catalog import Catalog
from pipelines.images import Door
from tests.pipelines.library.files import VAE, f16, lora, real, write

SD15, SDXL = "house", "cathedral"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Checkpoints of two families, LoRAs of both, one of each that is broken."""
    folder = tmp_path_factory.mktemp("models")
    write(folder / "checkpoints" / f"{SD15}.safetensors", real("sd15"))
    write(folder / "checkpoints" / f"{SDXL}.safetensors", real("sdxl"))
    ink = write(folder / "loras" / "style" / "ink.safetensors", lora(), age=90)
    note = {"activation text": "ink style, wash", "preferred weight": 0.7, "notes": "Paper."}
    ink.with_suffix(".json").write_text(json.dumps(note))
    write(folder / "loras" / "people" / "Ink.safetensors", lora(2048), age=30)
    write(folder / "loras" / "grain.safetensors", lora(), {"modelspec.title": "Film Grain"})
    write(folder / "loras" / "cut.safetensors", lora(), missing=4)
    write(folder / "embeddings" / "quiet.safetensors", {"emb_params": f16(2, 768)})
    write(folder / "vae" / "clear.safetensors", VAE)
    return Catalog.open([folder], settle=0)


@pytest.fixture
def models(catalog: Catalog, tmp_path: Path) -> Iterator[Models]:
    door = Door()
    yield Models(catalog, tmp_path, door)
    door.close()


def names(models: Models, **wish: Any) -> list[str]:
    return [row["name"] for row in models.page(Wish(**wish)).rows]


def row(models: Models, **wish: Any) -> dict[str, Any]:
    [found] = models.page(Wish(**wish)).rows
    return found


def test_what_goes_with_the_checkpoint_comes_first_and_the_rest_says_why_not(
    models: Models,
) -> None:
    page = models.page(Wish(role="lora", checkpoint=SD15))
    assert [(r["name"], r["fits"]) for r in page.rows] == [
        ("grain", True),
        ("style/ink", True),
        ("cut", True),  # what is wrong with it is its problem
        ("people/Ink", False),
    ]
    assert page.rows[-1]["why_not"] == "Made for SDXL; this checkpoint is SD 1.5."
    assert names(models, role="lora", checkpoint=SDXL)[0] == "people/Ink"


def test_with_no_checkpoint_or_an_unknown_one_everything_may_go(models: Models) -> None:
    for checkpoint in (None, "never heard of"):
        rows = models.page(Wish(role="lora", checkpoint=checkpoint)).rows
        assert all(one["fits"] for one in rows)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FILM", ["grain"]),
        ("wash", ["style/ink"]),
        ("paper", ["style/ink"]),
        ("style ink", ["style/ink"]),
        ("film sd 1.x", ["grain"]),
        ("ink", ["style/ink", "people/Ink"]),
        ("incomplete", ["cut"]),
        ("trigger_words", []),
    ],
)
def test_words_are_looked_for_in_everything_that_is_said_of_a_file(
    models: Models, text: str, found: list[str]
) -> None:
    assert sorted(names(models, role="lora", text=text)) == sorted(found)


def test_a_row_says_how_a_file_is_used(models: Models) -> None:
    ink = row(models, role="lora", text="wash")
    assert ink["trigger_words"] == ("ink style", "wash")
    assert (ink["weight"], ink["notes"], ink["kind"]) == (0.7, "Paper.", "SD 1.x")
    assert (ink["used"], ink["preview"], ink["problem"]) == (True, False, None)


def test_a_word_of_the_prompt_is_as_short_as_it_is_clear(models: Models) -> None:
    assert row(models, text="film")["word"] == "grain"
    assert {one["word"] for one in models.page(Wish("lora", text="ink")).rows} == {
        "style/ink",
        "people/Ink",
    }


def test_files_are_sorted_and_what_is_wrong_comes_first_if_asked(models: Models) -> None:
    assert names(models, role="lora", sort="newest")[0] == "people/Ink"
    assert names(models, sort="size")[0] == SDXL
    assert names(models, problems_first=True)[0] == "cut"
    assert names(models, role="lora", family="sdxl") == ["people/Ink"]


def test_pages_follow_each_other(models: Models) -> None:
    whole = names(models)
    assert names(models, limit=3) + names(models, limit=50, offset=3) == whole
    assert models.page(Wish(limit=1)).total == len(whole)
    assert models.page(Wish(limit=1)).broken == 1


def test_kinds_and_families_are_counted(models: Models) -> None:
    counts = models.counts()  # the bundled starter is one of them
    assert counts["roles"] == {"checkpoint": 3, "embedding": 1, "lora": 4, "vae": 1}
    assert {"name": "sdxl", "label": "SDXL", "count": 2} in counts["families"]


def test_what_a_prompt_asks_for_is_told_with_what_is_meant_perhaps(models: Models) -> None:
    prompt = "a house <lora:style/ink:0.5> <lora:grian> <lora:grian:2> <hypernet:x> Quiet"
    asked = models.asked([prompt, "loud"], SDXL)
    ink, grain = asked["loras"]
    assert (ink["name"], ink["model"]["name"], ink["model"]["fits"]) == ("style/ink",) * 2 + (
        False,
    )
    assert (grain["name"], grain["model"], grain["near"]) == ("grian", None, "grain")
    assert asked["hypernetworks"] == [{"name": "x", "model": None, "near": None}]
    [quiet] = asked["embeddings"]
    assert quiet["model"]["why_not"] == "Made for SD 1.x; this checkpoint is SDXL."
    assert models.asked(["", "quiet"], None)["embeddings"][0]["model"]["fits"]


def test_a_file_is_found_by_its_name_or_its_id(models: Models) -> None:
    ink = row(models, role="lora", text="wash")
    assert models.find("lora", "style/ink") == models.find("lora", ink["id"])
    with pytest.raises(NotFound):
        models.find("vae", "style/ink")


def test_notes_are_shown_searched_and_taken_back(models: Models) -> None:
    ink = models.find("lora", "style/ink")
    models.notes.write(ink, "Only on Sundays.")
    assert models.details(ink)["notes"] == "Only on Sundays."
    assert names(models, text="sundays") == ["style/ink"]
    models.notes.write(ink, None)
    assert models.details(ink)["notes"] == "Paper."
