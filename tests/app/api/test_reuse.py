"""`POST /api/v1/reuse`: a picture in, its settings out."""

import io
import json

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.api.doors import BODY_LIMIT, PICTURE_LIMIT
from tests.app.api.test_routes import API, said
from tests.app.conftest import ended

PNG = {"content-type": "image/png"}
TEXT = (
    "a <b>boat</b>\nNegative prompt: fog\nSteps: 3, Sampler: DPM++ 2M Karras, CFG scale: 5, "
    "Seed: 18446744073709551615, Size: 64x64, Model: tiny-sd1, RNG: CPU, Tiling: True"
)


def png(**texts: str) -> bytes:
    info, file = PngInfo(), io.BytesIO()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def test_the_answer_is_a_draft_that_can_be_submitted_as_it_is(client, studio):
    answer = client.post(f"{API}/reuse", content=png(parameters=TEXT), headers=PNG)
    assert answer.status_code == 200
    reused = answer.json()
    assert reused["source"] == "another app"
    assert reused["differences"] == ["Not followed: Tiling."]
    assert reused["values"]["seed"] == 2**64 - 1
    job = ended(studio, client.post(f"{API}/jobs", json=reused["values"]).json()["id"])
    recipe = studio.gallery.recipe(job.pictures[0])
    assert (recipe.prompt, recipe.sampler, recipe.schedule) == (
        "a <b>boat</b>",
        "DPM++ 2M",
        "Karras",
    )


def test_a_picture_made_here_comes_back_without_a_difference(client, studio):
    draft = {"prompt": "again", "checkpoint": "tiny-sd1", "steps": 2, "seed": 9}
    job = ended(studio, client.post(f"{API}/jobs", json=draft).json()["id"])
    data = studio.gallery.path(job.pictures[0]).read_bytes()
    reused = client.post(f"{API}/reuse", content=data, headers=PNG).json()
    assert (reused["source"], reused["differences"]) == ("Gesso", [])
    again = ended(studio, client.post(f"{API}/jobs", json=reused["values"]).json()["id"])
    assert studio.gallery.path(again.pictures[0]).read_bytes() == data


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"#!/bin/sh", "no picture"),
        (b"II*\0", "TIFF"),
        (b"GIF89a", "not a PNG, JPEG or WebP"),
        (png(), "does not say"),
        (png(prompt="{}"), "ComfyUI"),
        (png(gesso="{"), "damaged"),
        (png(gesso='{"recipe": {"version": 1, "steps": 1e999}}'), "missing"),
    ],
)
def test_a_picture_that_cannot_be_reused_is_a_sentence(client, data, word):
    error = said(client.post(f"{API}/reuse", content=data, headers=PNG), 422)
    assert word in error["message"]


def test_a_picture_may_be_longer_than_a_draft_but_not_without_end(client):
    picture = png(parameters=TEXT) + b"x" * BODY_LIMIT
    assert client.post(f"{API}/reuse", content=picture, headers=PNG).status_code == 200
    huge = bytes(PICTURE_LIMIT + 1)
    refused = said(client.post(f"{API}/reuse", content=huge, headers=PNG), 413)
    assert "smaller" in refused["cure"]
    pieces = client.post(f"{API}/reuse", content=iter([picture, huge]), headers=PNG)
    assert pieces.status_code >= 400


@pytest.mark.parametrize("path", ["reuse/", "reuse/x", "reusex", "jobs"])
def test_no_other_address_takes_more(client, path):
    answer = client.post(f"{API}/{path}", content=bytes(BODY_LIMIT + 1), headers=PNG)
    assert answer.status_code == 413


def test_another_site_cannot_bring_a_picture(client):
    headers = {**PNG, "origin": "http://evil.example"}
    assert (
        client.post(f"{API}/reuse", content=png(parameters=TEXT), headers=headers).status_code
        == 403
    )


def test_nothing_of_the_picture_is_kept(client, studio):
    def files() -> set:
        return {p for p in studio.settings.data.rglob("*") if "sqlite" not in p.name} | {
            *studio.settings.outputs.rglob("*")
        }

    before = files()
    client.post(f"{API}/reuse", content=png(parameters=TEXT), headers=PNG)
    assert files() == before


def test_whatever_the_text_the_answer_is_json(client):
    text = 'a\nSteps: 1, Sampler: "\\ud800\\u0000", Seed: 2, "\\u202e": 1, <img src=x>: 2'
    answer = client.post(f"{API}/reuse", content=png(parameters=text), headers=PNG)
    assert answer.status_code == 200
    assert all(sentence.isprintable() for sentence in json.loads(answer.content)["differences"])
