"""`/api/v1/assets`: a picture in, an id out, and the picture again."""

import io

import pytest
from PIL import Image

from app.api.doors import PICTURE_LIMIT
from tests.app.api.test_routes import API, said
from tests.pipelines.images.pictures import bomb, camera, encoded, picture


def bring(client, data: bytes) -> dict:
    answer = client.post(f"{API}/assets", content=data)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_picture_that_was_brought_is_shown_again(client):
    added = bring(client, encoded(picture(600, 300), "JPEG", exif=camera(6), quality=95))
    assert added == {
        "id": added["id"], "width": 300, "height": 600, "has_alpha": False, "notices": [],
    }  # fmt: skip
    shown = client.get(f"{API}/assets/{added['id']}.png")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert "immutable" in shown.headers["cache-control"]
    assert Image.open(io.BytesIO(shown.content)).size == (300, 600)
    small = client.get(f"{API}/assets/{added['id']}/thumbnail")
    assert small.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(small.content)).size == (192, 384)
    known = client.get(f"{API}/assets/{added['id']}").json()
    assert known == {name: added[name] for name in ("id", "width", "height", "has_alpha")}


def test_the_same_picture_has_the_same_id(client):
    first = bring(client, encoded(picture()))
    assert bring(client, encoded(picture(), "BMP"))["id"] == first["id"]


@pytest.mark.parametrize(
    "asset", ["0" * 64, "x", "../queue", "%2e%2e%2fjobs", "A" * 64, "0" * 5000, "a\0b", "..\\x"]
)
@pytest.mark.parametrize("path", ["{}.png", "{}/thumbnail", "{}"])
def test_what_is_no_id_or_not_kept_is_not_found(client, asset, path):
    answer = client.get(f"{API}/assets/" + path.format(asset.replace("\0", "%00")))
    assert answer.status_code in (400, 404, 414)
    assert answer.json()["cure"]


def test_a_bomb_is_refused_with_its_size(client):
    error = said(client.post(f"{API}/assets", content=bomb(13_000)), 422)
    assert "13000 x 13000" in error["message"]


def test_a_file_longer_than_any_is_refused_whether_it_says_so_or_not(client):
    chunks = [bytes(2**20)] * (PICTURE_LIMIT // 2**20 + 1)
    said(client.post(f"{API}/assets", content=b"".join(chunks)), 413)
    said(client.post(f"{API}/assets", content=iter(chunks)), 413)


def test_another_site_cannot_bring_a_picture(client, studio):
    headers = {"origin": "http://evil.example"}
    answer = client.post(f"{API}/assets", content=encoded(picture(77, 8)), headers=headers)
    assert answer.status_code == 403


def test_the_settings_of_a_picture_made_here_come_with_what_differs(client, studio):
    from tests.app.conftest import ended

    draft = {"prompt": "asked again", "checkpoint": "tiny-sd1", "steps": 1, "seed": 2**64 - 1}
    job = ended(studio, client.post(f"{API}/jobs", json=draft).json()["id"])
    reused = client.get(f"{API}/pictures/{job.pictures[0]}/reuse").json()
    assert (reused["source"], reused["differences"]) == ("Gesso", [])
    assert reused["values"]["seed"] == 2**64 - 1
    said(client.get(f"{API}/pictures/20200101-000000-001-1/reuse"), 404)
