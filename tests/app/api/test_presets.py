"""`/api/v1/presets`: settings kept under names."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.app.api.test_routes import API

AT = f"{API}/presets"


@pytest.fixture(autouse=True)
def as_before(studio) -> Iterator[None]:
    before = studio.presets.all()
    yield
    for preset in studio.presets.all():
        studio.presets.remove(preset.name)
    for preset in before:
        studio.presets.put(preset.name, preset.draft)


def listed(client) -> dict[str, dict]:
    return {preset["name"]: preset["values"] for preset in client.get(AT).json()}


def test_settings_are_kept_had_back_replaced_deleted_and_put_back(client) -> None:
    first = client.put(f"{AT}/Ink", json={"steps": 30, "prediction_type": None})
    assert first.status_code == 200
    assert first.json() == {
        "name": "Ink",
        "values": {"steps": 30, "prediction_type": None},
        "former": None,
    }
    assert listed(client)["Ink"] == {"steps": 30, "prediction_type": None}

    taken = client.put(f"{AT}/ink", json={"steps": 3})
    assert taken.status_code == 409
    assert (taken.json()["kind"], taken.json()["field"]) == ("NameTaken", "name")
    assert listed(client)["Ink"]["steps"] == 30
    replaced = client.put(f"{AT}/ink?replace=true", json={"steps": 3})
    assert replaced.json()["former"] == {"steps": 30, "prediction_type": None}

    removed = client.delete(f"{AT}/INK").json()
    assert removed == {"name": "ink", "values": {"steps": 3}}
    assert "ink" not in listed(client)
    assert client.delete(f"{AT}/ink").status_code == 404
    client.put(f"{AT}/{removed['name']}", json=removed["values"])
    assert listed(client)["ink"] == {"steps": 3}


def test_what_cannot_be_had_here_is_told(client) -> None:
    client.put(f"{AT}/Old", json={"steps": 3, "sampler": "Long gone", "checkpoint": "tiny-sd1"})
    found = client.get(f"{AT}/Old").json()
    assert found["values"] == {"steps": 3, "checkpoint": "tiny-sd1"}
    (difference,) = found["differences"]
    assert "Long gone" in difference
    assert client.post(f"{API}/jobs", json=listed(client)["Old"]).status_code == 422
    assert client.get(f"{AT}/Nothing").status_code == 404


@pytest.mark.parametrize("name", ["<b>bold</b>", "16/9", "100% ink?", "#1", "لون", "a+b&c=d"])
def test_a_name_can_be_anything_that_an_address_can_hold(client, name: str) -> None:
    address = f"{AT}/{quote(name, safe='')}"
    assert client.put(address, json={"steps": 3}).json()["name"] == name
    assert client.get(address).json()["name"] == name
    assert client.delete(address).status_code == 200


@pytest.mark.parametrize("name", ["..", "../../x", "a//b", "a\\b", "", " ", "a\nb\x00", "x" * 81])
def test_other_names_are_refused(client, name: str) -> None:
    answer = client.put(f"{AT}/{quote(name, safe='')}", json={"steps": 3})
    assert 400 <= answer.status_code < 500
    assert {"message", "cure"} <= set(answer.json())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"steps": 5000}',
        b'{"guidance_scale": NaN}',
        b'{"path": "/etc/passwd"}',
        b'{"steps": ' + b"9" * 5000 + b"}",
        b'{"prompt": "' + b"x" * 20_000 + b'"}',
        json.dumps({"prompt": "\ud83d"}).encode(),
        b'{"size_conditioning": {"original": "9x9"}}',
        b"[" * 50_000,
        b" " * 1_100_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_bodies_that_are_no_settings_are_refused_and_change_nothing(client, body: bytes) -> None:
    before = listed(client)
    answer = client.put(f"{AT}/x", content=body, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert {"message", "cure"} <= set(answer.json())
    assert listed(client) == before
