"""Model files and folders over HTTP."""

from __future__ import annotations

import time

import pytest

API = "/api/v1"


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
