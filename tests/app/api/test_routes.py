"""The native API: every answer as promised, every error as `{kind, message, cure, field}`."""

import io
from urllib.parse import quote

import pytest
from PIL import Image

from app.studio.service import Studio
from pipelines.draft import Draft
from pipelines.metadata import read_recipe
from tests.app.api.conftest import client_of
from tests.app.conftest import ended
from tests.app.studio.test_gallery import HOSTILE_IDS

API = "/api/v1"
DRAFT = {"prompt": "a red house", "checkpoint": "tiny-sd1", "steps": 2, "seed": 5}


@pytest.fixture(scope="module")
def done(client, studio):
    """A job that was submitted over the API and is done."""
    answer = client.post(f"{API}/jobs", json=DRAFT)
    assert answer.status_code == 201
    return ended(studio, answer.json()["id"])


def said(answer, status: int) -> dict:
    """The error in an answer, which must have the one form."""
    assert answer.status_code == status, answer.text
    error = answer.json()
    assert set(error) == {"kind", "message", "cure", "field"}
    assert error["message"].endswith(".")
    assert error["cure"]
    return error


def test_a_job_is_shown_by_id_and_in_the_list(client, done):
    job = client.get(f"{API}/jobs/{done.id}").json()
    assert (job["state"], job["prompt"], job["count"]) == ("done", "a red house", 1)
    assert job["pictures"] == list(done.pictures)
    assert job in client.get(f"{API}/jobs").json()


def test_an_empty_body_is_a_draft_with_every_choice_left_open(client, studio):
    job = client.post(f"{API}/jobs", json={}).json()["id"]
    assert client.delete(f"{API}/jobs/{job}").status_code == 200
    ended(studio, job)


def test_a_picture_is_served_byte_for_byte_as_it_lies_on_disk(client, studio, done):
    picture = done.pictures[0]
    answer = client.get(f"{API}/pictures/{picture}.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == studio.gallery.path(picture).read_bytes()
    assert "content-disposition" not in answer.headers
    assert read_recipe(answer.content).seed == 5


def test_a_download_has_a_name(client, done):
    picture = done.pictures[0]
    answer = client.get(f"{API}/pictures/{picture}.png?download=1")
    assert answer.headers["content-disposition"] == f'attachment; filename="{picture}.png"'


def test_a_thumbnail_is_a_jpeg(client, done):
    answer = client.get(f"{API}/pictures/{done.pictures[0]}/thumbnail")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG"


def test_a_recipe_can_be_asked_for_and_submitted_again(client, done, studio):
    recipe = client.get(f"{API}/pictures/{done.pictures[0]}/recipe").json()
    assert recipe["seed"] == 5
    asked = {key: value for key, value in recipe.items() if key in Draft.model_fields}
    asked["checkpoint"] = recipe["checkpoint"]["name"]
    again = ended(studio, client.post(f"{API}/jobs", json=asked).json()["id"])
    first, second = (studio.gallery.path(job.pictures[0]) for job in (done, again))
    with Image.open(first) as one, Image.open(second) as other:
        assert one.tobytes() == other.tobytes()


def test_a_preview_is_there_for_the_last_job_and_for_no_other(client, done, studio):
    unpainted = {**DRAFT, "prompt": "a preview of its own"}
    newest = ended(studio, client.post(f"{API}/jobs", json=unpainted).json()["id"])
    answer = client.get(f"{API}/jobs/{newest.id}/preview?v=1")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG"
    assert client.get(f"{API}/jobs/{done.id}/preview").status_code == 204
    said(client.get(f"{API}/jobs/unknown/preview"), 404)


def test_a_picture_that_is_remembered_has_no_preview(client, done, studio):
    again = ended(studio, client.post(f"{API}/jobs", json=DRAFT).json()["id"])
    assert client.get(f"{API}/jobs/{again.id}/preview").status_code == 204
    assert client.get(f"{API}/jobs/{again.id}/progress").json()["fraction"] == 1.0


def test_stopping_what_is_over_changes_nothing(client, done):
    for _ in range(2):
        assert client.delete(f"{API}/jobs/{done.id}").json()["state"] == "done"


def test_the_queue_is_paused_moved_cleared_and_resumed(client, studio):
    assert client.post(f"{API}/queue/pause").json() == {"paused": True}
    first, second = (client.post(f"{API}/jobs", json=DRAFT).json()["id"] for _ in range(2))
    urgent = client.post(f"{API}/jobs?first=true", json=DRAFT).json()["id"]
    listed = [job["id"] for job in client.get(f"{API}/jobs").json()]
    assert listed[:3] == [urgent, first, second]
    assert client.post(f"{API}/jobs/{second}/move", json={"before": urgent}).json()["position"] == 1
    assert client.post(f"{API}/jobs/{second}/move", json={"before": None}).json()["position"] == 3
    progress = client.get(f"{API}/jobs/{first}/progress").json()
    assert (progress["state"], progress["position"], progress["fraction"]) == ("queued", 2, 0.0)
    cleared = client.post(f"{API}/queue/clear", json={"what": "waiting"}).json()
    assert cleared == {"paused": True, "waiting": 0, "interrupted": 0}
    assert client.post(f"{API}/queue/resume").json() == {"paused": False}
    assert client.get(f"{API}/jobs/{first}").json()["state"] == "cancelled"
    again = client.post(f"{API}/jobs/{first}/retry").json()
    assert (again["id"], ended(studio, first).state) == (first, "done")


def test_wishes_about_a_job_that_is_over_or_absent_are_answered(client, done):
    for wish in ("finish", "skip"):
        assert client.post(f"{API}/jobs/{done.id}/{wish}").json()["state"] == "done"
        said(client.post(f"{API}/jobs/x/{wish}"), 404)
    said(client.post(f"{API}/jobs/x/retry"), 404)
    said(client.post(f"{API}/jobs/x/move", json={"before": None}), 404)
    error = said(client.post(f"{API}/jobs/{done.id}/move", json={"before": None}), 422)
    assert "wait" in error["message"]
    assert said(client.post(f"{API}/queue/clear", json={"what": "all"}), 422)


def test_only_a_pickled_checkpoint_is_converted(client):
    error = said(client.post(f"{API}/jobs/convert", json={"checkpoint": "tiny-sd1"}), 422)
    assert "no pickled file" in error["message"]
    said(client.post(f"{API}/jobs/convert", json={"checkpoint": "no such file"}), 422)


def test_pictures_are_paged(client, done):
    newest = client.get(f"{API}/pictures?limit=1").json()
    assert len(newest) == 1
    older = client.get(f"{API}/pictures", params={"before": newest[0]["id"]}).json()
    assert all(info["id"] < newest[0]["id"] for info in older)


def test_choices_name_models_samplers_and_schedules(client):
    choices = client.get(f"{API}/choices").json()
    tiny = next(c for c in choices["checkpoints"] if c["name"] == "tiny-sd1")
    assert tiny["label"] == "Tiny sd1"
    assert tiny["sizes"] == ["64x64", "128x64"]
    assert tiny["defaults"]["sampler"] == "Euler"
    assert "DPM++ 2M" in choices["samplers"]
    assert "Karras" in choices["schedules"]


def test_the_schema_names_every_field_of_draft_and_recipe(client):
    schema = client.get(f"{API}/schema").json()
    assert set(schema["draft"]["properties"]) == set(Draft.model_fields)
    assert schema["recipe"]["properties"]["steps"]["maximum"] == 150


def test_health_tells_how_the_engine_is(client, done):
    health = client.get(f"{API}/health").json()
    assert health["status"] == "ok"
    assert (health["engine"]["state"], health["engine"]["device"]) == ("ready", "cpu")


@pytest.mark.parametrize(
    ("change", "field", "word"),
    [
        ({"checkpoint": "no such model"}, "checkpoint", "no such model"),
        ({"size": {"width": 63, "height": 64}}, "size", "multiple of 8"),
        ({"size": "63x64"}, "size", "multiple of 8"),
        ({"size": "wide"}, "size", "WIDTHxHEIGHT"),
        ({"prompt": "x" * 20_000}, "prompt", "20,000"),
        ({"steps": 0}, "steps", "0"),
        ({"steps": 10_000}, "steps", "10000"),
        ({"steps": [20]}, "steps", "[20]"),
        ({"count": 1000}, "count", "1000"),
        ({"seed": 2**64}, "seed", "out of range"),
        ({"sampler": "Eulr"}, "sampler", "Eulr"),
        ({"schedule": "Karas"}, "schedule", "Karas"),
        ({"colour": "red"}, "colour", "not a setting"),
        ({"prompt": {"$ne": 1}}, "prompt", "Prompt"),
    ],
)
def test_a_wrong_request_is_a_sentence_naming_the_field(client, change, field, word):
    error = said(client.post(f"{API}/jobs", json={**DRAFT, **change}), 422)
    assert error["field"] == field
    assert word in error["message"] + error["cure"]


def test_a_wrong_name_is_answered_with_the_nearest_right_one(client):
    assert "'Euler'" in said(client.post(f"{API}/jobs", json={"sampler": "Eulr"}), 422)["cure"]


@pytest.mark.parametrize("body", ['{"guidance_scale": NaN}', '{"guidance_scale": 1e999}'])
def test_numbers_that_are_none_are_refused(client, body):
    answer = client.post(f"{API}/jobs", content=body, headers={"content-type": "application/json"})
    assert said(answer, 422)["field"] == "guidance_scale"


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', "[" * 5000, '{"prompt": "\xff"'])
def test_a_body_that_is_no_draft_is_a_sentence(client, body):
    answer = client.post(
        f"{API}/jobs", content=body.encode("latin-1"), headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    said(answer, answer.status_code)


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
@pytest.mark.parametrize("part", [".png", "/thumbnail", "/recipe"])
def test_an_id_that_is_none_is_not_found(client, part, hostile):
    said(client.get(f"{API}/pictures/{quote(hostile, safe='')}{part}"), 404)


def test_an_unknown_job_is_not_found(client):
    for answer in (client.get(f"{API}/jobs/x"), client.delete(f"{API}/jobs/{'0' * 32}")):
        assert said(answer, 404)["kind"] == "NotFound"


@pytest.mark.parametrize("query", ["limit=0", "limit=999999", "limit=x", "before=../../x"])
def test_a_wrong_query_is_a_sentence(client, query):
    error = said(client.get(f"{API}/pictures?{query}"), 422)
    assert error["field"] == query.partition("=")[0]


def test_unknown_addresses_and_methods_have_the_same_form(client):
    assert said(client.get(f"{API}/nowhere"), 404)["kind"] == "NotFound"
    error = said(client.put(f"{API}/jobs", json={}), 405)
    assert "PUT" in error["message"]


def test_a_full_disk_or_read_only_folder_is_told_with_the_right_status(settings_in, tmp_path):
    (tmp_path / "outputs").write_text("a file in the way")
    blocked = Studio(settings_in(tmp_path))
    try:
        answer = client_of(blocked).post(f"{API}/jobs", json=DRAFT)
        assert said(answer, 507)["kind"] == "StorageError"
    finally:
        blocked.close()


def test_a_defect_of_ours_is_told_without_its_insides(client, studio, monkeypatch, caplog):
    monkeypatch.setattr(studio, "job_views", lambda: 1 / 0)
    answer = client.get(f"{API}/jobs")
    assert "content-security-policy" in answer.headers
    error = said(answer, 500)
    assert error["kind"] == "UnexpectedError"
    assert "division" not in str(error)
    number = error["cure"].split()[-1].rstrip(".")
    assert number in caplog.text
    assert "ZeroDivisionError" in caplog.text
