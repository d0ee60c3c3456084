"""`/api/v1/workspace`: what any browser finds as it was left."""

import json

import pytest

from tests.app.api.test_routes import API
from tests.app.conftest import ended

FIELDS = {"shared": {"prompt": "text"}, "one": {"steps": "number"}, "wall": {}}


@pytest.fixture(autouse=True)
def fresh(studio):
    studio.workspace.declare(FIELDS)
    studio.workspace.forget()


def sheet(client, tab: str) -> dict:
    return client.get(f"{API}/workspace").json()["tabs"][tab]


def test_what_one_browser_keeps_another_finds(client) -> None:
    answer = client.patch(f"{API}/workspace/shared", json={"values": {"prompt": "a boat"}})
    assert answer.status_code == 200
    client.put(f"{API}/workspace", json={"tab": "wall"})
    found = client.get(f"{API}/workspace")
    assert found.headers["cache-control"] == "no-store"
    assert found.json()["version"] > answer.json()["version"]
    assert found.json()["tab"] == "wall"
    assert found.json()["tabs"]["shared"]["values"] == {"prompt": "a boat"}
    client.delete(f"{API}/workspace")
    assert sheet(client, "shared")["values"] == {}


def test_the_open_picture_is_kept_while_it_is_there(client, studio) -> None:
    draft = {"checkpoint": "tiny-sd1", "steps": 1, "seed": 4}
    job = ended(studio, client.post(f"{API}/jobs", json=draft).json()["id"])
    picture = job.pictures[0]
    client.patch(f"{API}/workspace/one", json={"picture": picture})
    assert sheet(client, "one")["picture"] == picture
    client.patch(f"{API}/workspace/one", json={"picture": "20200101-000000-001-1"})
    assert sheet(client, "one")["picture"] is None


@pytest.mark.parametrize(
    ("tab", "body", "status"),
    [
        ("one", {"values": {"steps": "many"}}, 422),
        ("one", {"values": {"path": "/etc/passwd"}}, 422),
        ("one", {"values": [1, 2]}, 422),
        ("one", {"unknown": 1}, 422),
        ("one", [], 422),
        ("one", {"picture": 7}, 422),
        ("one", {"picture": "../../x"}, 404),
        ("shared", {"values": {"prompt": "x" * 100_001}}, 422),
        ("two", {"values": {}}, 404),
        ("..%2f..%2fetc", {"values": {}}, 404),
    ],
)
def test_what_cannot_be_kept_gets_a_sentence_and_changes_nothing(client, tab, body, status) -> None:
    before = client.get(f"{API}/workspace").json()
    answer = client.patch(f"{API}/workspace/{tab}", json=body)
    assert answer.status_code == status
    assert {"message", "cure"} <= set(answer.json())
    assert client.get(f"{API}/workspace").json() == before


@pytest.mark.parametrize(
    "body",
    [
        b'{"values": {"\\ud800": 1}}',
        b'{"values": {"steps": NaN}}',
        b'{"values": {"steps": 1e999}}',
        b'{"values": {"steps": ' + b"9" * 4000 + b"}}",
        b'{"values": ' + b"[" * 50_000,
        b'{"values": {"steps": 1, "steps": "x"}}',
        b"\xff\xfe",
        b"",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_bodies_that_are_hardly_json_do_not_reach_the_file(client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = client.patch(f"{API}/workspace/one", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert sheet(client, "one")["values"] == {}


def test_half_a_character_can_be_sent_and_read(client) -> None:
    body = json.dumps({"values": {"prompt": "\ud83d!"}})
    headers = {"content-type": "application/json"}
    answer = client.patch(f"{API}/workspace/shared", content=body, headers=headers)
    assert answer.status_code == 200
    assert sheet(client, "shared")["values"] == {"prompt": "\ufffd!"}
