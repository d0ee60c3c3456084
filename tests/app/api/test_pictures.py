"""Pictures over the API: searched, favoured, deleted, given back."""

from urllib.parse import quote

import pytest

from tests.app.studio.test_gallery import HOSTILE_IDS
from tests.pictures import png, put

API = "/api/v1/pictures"
HOUSE, BOAT = "20010101-120000-001-5", "20010102-120000-001-18446744073709551613"


@pytest.fixture(autouse=True)
def two(studio):
    """A house, and a day later a boat."""
    put(studio.settings.outputs, HOUSE, png("a crooked house", 5, "one"))
    put(studio.settings.outputs, BOAT, png("a paper boat", 2**64 - 3, "<img src=x>"))


def ids(client, **query) -> list[str]:
    answer = client.get(API, params=query)
    assert answer.status_code == 200, answer.text
    return [info["id"] for info in answer.json()]


def test_a_picture_tells_what_it_is_and_how_it_was_made(client):
    known = client.get(f"{API}/{HOUSE}").json()
    assert known["info"]["prompt"] == known["recipe"]["prompt"] == "a crooked house"
    assert known["facts"]["device"] == "cpu"
    assert known["bytes"] == len(png("a crooked house", 5, "one"))


def test_a_picture_without_a_recipe_is_told_of_all_the_same(client, studio):
    bare = "20010103-120000-1"
    put(studio.settings.outputs, bare, png()[:33])
    known = client.get(f"{API}/{bare}").json()
    assert (known["info"]["width"], known["recipe"], known["facts"]) == (64, None, None)
    client.post(f"{API}/delete", json={"ids": [bare]})


def test_pictures_are_searched(client):
    assert ids(client, text="crook") == [HOUSE]
    assert ids(client, seed=str(2**64 - 3)) == [BOAT]
    assert ids(client, checkpoint="<img src=x>") == [BOAT]
    assert ids(client, to="2001-01-02") == [BOAT, HOUSE]
    assert ids(client, to="2001-01-02", offset=1, limit=1) == [HOUSE]
    days = client.get(f"{API}/days", params={"to": "2001-01-02"}).json()
    assert days == [{"day": "2001-01-02", "count": 1}, {"day": "2001-01-01", "count": 1}]
    assert {"name": "one", "count": 1} in client.get(f"{API}/checkpoints").json()


def test_a_favourite_is_marked_and_unmarked(client):
    assert client.put(f"{API}/{HOUSE}/favourite").json() == {"favourite": True}
    assert ids(client, favourite=True) == [HOUSE]
    assert client.delete(f"{API}/{HOUSE}/favourite").json() == {"favourite": False}
    assert ids(client, favourite=True) == []


def test_what_is_deleted_can_be_had_back(client, studio):
    before = studio.gallery.version
    asked = {"ids": [HOUSE, "../../etc/passwd", HOUSE]}
    assert client.post(f"{API}/delete", json=asked).json() == {"ids": [HOUSE]}
    assert studio.gallery.version > before
    assert client.get(f"{API}/{HOUSE}").status_code == 404
    assert client.post(f"{API}/restore", json=asked).json() == {"ids": [HOUSE]}
    assert ids(client, text="crooked") == [HOUSE]


@pytest.mark.parametrize(
    "query",
    [
        "seed=-1",
        f"seed={2**64}",
        "from=tomorrow",
        "to=2001-13-01",
        "offset=-1",
        "text=" + "x" * 501,
    ],
)
def test_a_wrong_search_is_a_sentence_naming_the_field(client, query):
    answer = client.get(f"{API}?{query}")
    assert answer.status_code == 422
    assert answer.json()["field"] == query.partition("=")[0]


@pytest.mark.parametrize("body", [{}, {"ids": "x"}, {"ids": ["x"] * 1001}, {"ids": ["x" * 101]}])
def test_a_wrong_list_of_ids_is_a_sentence(client, body):
    answer = client.post(f"{API}/delete", json=body)
    assert answer.status_code == 422
    assert answer.json()["message"].endswith(".")


@pytest.mark.parametrize("hostile", [hostile for hostile in HOSTILE_IDS if hostile])
def test_no_id_leads_anywhere_else(client, hostile):
    path = f"{API}/{quote(hostile, safe='')}/favourite"
    for answer in (client.put(path), client.delete(path)):
        assert answer.status_code in (404, 405)
