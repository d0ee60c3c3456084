"""Model files and folders over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app.settings import Settings
from app.studio.service import Studio
from tests.app.api.conftest import client_of
from tests.pictures import put
from tests.pipelines.library.files import lora, write

API = "/api/v1"
ODD = "a b/<img onerror=x> #?.. \u58a8"
PICTURE = "20261120-120000-1"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Path]]:
    """A client of a studio without an engine that has two LoRAs and a picture, and its folder."""
    home = tmp_path_factory.mktemp("kept")
    write(home / "models" / "loras" / f"{ODD}.safetensors", lora())
    write(home / "models" / "loras" / "back\\slash.safetensors", lora(2048))
    put(home / "outputs", PICTURE)
    folders = {"models": (home / "models",), "outputs": home / "outputs", "data": home / "data"}
    studio = Studio(Settings(**folders))
    studio.catalog.library.wait()
    yield client_of(studio), home / "models"
    studio.close()


def address(row: dict, what: str = "") -> str:
    return f"{API}/models/{row['role']}/{row['id']}{what}"


def test_models_are_paged_and_searched_by_text_and_role(client, studio) -> None:
    studio.catalog.library.wait()
    everything = client.get(f"{API}/models").json()
    assert everything["total"] == len(everything["models"]) >= 3
    assert everything["scanning"] is None
    first = client.get(f"{API}/models?limit=1").json()
    second = client.get(f"{API}/models?limit=1&offset=1").json()
    assert first["total"] == everything["total"]
    assert first["models"] + second["models"] == everything["models"][:2]

    [tiny] = client.get(f"{API}/models?text=TINY sdxl&role=checkpoint").json()["models"]
    assert (tiny["name"], tiny["family"], tiny["problem"]) == ("tiny-sdxl", "sdxl", None)
    assert client.get(f"{API}/models?role=lora").json()["total"] == 0
    assert client.get(f"{API}/models?text=nothing like that").json()["models"] == []


def test_no_answer_about_a_model_names_a_path(client, tiny_home) -> None:
    for route in ("models", "choices"):
        assert str(tiny_home) not in client.get(f"{API}/{route}").text


def test_a_scan_can_be_asked_for_and_followed(client) -> None:
    assert client.post(f"{API}/models/rescan").status_code == 200
    deadline = time.monotonic() + 20
    while client.get(f"{API}/models/scan").json()["scanning"]:
        assert time.monotonic() < deadline
    assert client.get(f"{API}/choices").json()["scanning"] is None


def test_the_folders_in_use_are_told(client, tiny_home) -> None:
    listing = client.get(f"{API}/folders").json()
    assert listing["drop"] == str(tiny_home / "models")
    [folder] = listing["folders"]
    assert folder["reachable"] is True
    assert folder["counts"]["checkpoint"] == 2
    assert listing["first_run"] is False
    assert listing["fixed"] is None


@pytest.mark.parametrize("body", [[], {"id": 1}, {"id": ["x"]}, "x"])
def test_an_adoption_that_makes_no_sense_is_a_sentence(client, body) -> None:
    answer = client.post(f"{API}/folders/adopt", json=body)
    assert answer.status_code == 422
    assert answer.json()["cure"]


def test_the_doctor_answers_at_once(client) -> None:
    report = client.get(f"{API}/doctor").json()
    assert report["memory"]["total"] > 0
    assert report["engine"]["state"] in ("starting", "ready")
    assert all(problem["message"] and problem["cure"] for problem in report["problems"])


def loras(client: TestClient) -> list[dict]:
    return client.get(f"{API}/models?role=lora").json()["models"]


def test_every_name_can_be_asked_for_by_its_id_and_most_by_themselves(kept) -> None:
    client, _ = kept
    rows = loras(client)
    assert len(rows) == 2
    for row in rows:
        assert client.get(address(row)).json()["name"] == row["name"]
    by_name = client.get(f"{API}/models/lora/{quote(ODD, safe='/')}")
    assert by_name.json()["name"] == ODD


def test_notes_are_kept_and_the_files_stay_as_they_are(kept) -> None:
    client, folder = kept
    before = {path: path.stat() for path in folder.rglob("*")}
    for row in loras(client):
        told = client.put(address(row, "/notes"), json={"notes": "Weight 0.6"}).json()
        assert told["notes"] == "Weight 0.6"
    assert {row["notes"] for row in loras(client)} == {"Weight 0.6"}
    long = client.put(address(loras(client)[0], "/notes"), json={"notes": "x" * 20_000})
    assert (long.status_code, long.json()["field"]) == (422, "notes")
    assert {path: path.stat() for path in folder.rglob("*")} == before


def test_a_picture_of_the_gallery_becomes_a_preview_and_is_taken_back(kept) -> None:
    client, _ = kept
    row = loras(client)[0]
    assert client.get(address(row, "/preview")).status_code == 404
    told = client.put(address(row, "/preview"), json={"picture": PICTURE}).json()
    assert (told["preview"], told["own_preview"]) == (True, True)
    assert told["preview_version"] != row["preview_version"]
    shown = client.get(address(row, "/preview"))
    assert (shown.headers["content-type"], shown.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert client.delete(address(row, "/preview")).json()["preview"] is False
    gone = client.put(address(row, "/preview"), json={"picture": "../../etc/passwd"})
    assert gone.status_code == 404


def test_a_hash_is_read_when_it_is_asked_for(kept) -> None:
    client, _ = kept
    row = loras(client)[0]
    assert row["sha256"] is None
    assert len(client.post(address(row, "/hash")).json()["sha256"]) == 64


def test_what_a_prompt_asks_for_is_told(kept) -> None:
    client, _ = kept
    body = {"prompt": "<lora:back> <lora:x:1>", "checkpoint": "starter"}
    asked = client.post(f"{API}/models/asked", json=body).json()
    assert [one["name"] for one in asked["loras"]] == ["back", "x"]
    assert all(one["model"] is None for one in asked["loras"])
    endless = client.post(f"{API}/models/asked", json={"prompt": "<lora:x> " * 2_000}).json()
    assert endless == {"loras": [], "hypernetworks": [], "embeddings": []}


def test_kinds_are_counted(kept) -> None:
    client, _ = kept
    assert client.get(f"{API}/models/counts").json()["roles"]["lora"] == 2


@pytest.mark.parametrize("path", ["lora/nothing", "lora/nothing/preview", "lora/../x", "nothing/x"])
def test_what_is_not_there_is_a_sentence(kept, path: str) -> None:
    client, _ = kept
    answer = client.get(f"{API}/models/{path}")
    assert answer.status_code in (404, 422)
    assert answer.json()["cure"]
