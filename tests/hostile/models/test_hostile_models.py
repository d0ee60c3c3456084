"""Whatever lies in the model folder: one plain sentence with a cure, nothing run, nobody waits."""

import contextlib
import json
import time

import pytest

from app.studio.listing import as_table, listing
from pipelines.errors import ModelFileError, UnknownModel, WrongModel
from tests.hostile.models.conftest import LONG, NAMES, SCRIPT
from tests.pipelines.library.files import real, write

API = "/api/v1"

SENTENCES = {
    "truncated": "is incomplete",
    "only a beginning": "is incomplete: it ends within its header",
    "empty": "is empty",
    "endless header": "is not a model file that Gesso can read",
    "200 MB header": "is not a model file that Gesso can read",
    "bad json": "is damaged: its header is not valid",
    "deep json": "is damaged: its header is not valid",
    "overlapping": "is damaged: its header is not valid",
    "beyond": "is damaged: its header is not valid",
    "web page": "is a web page, not a model",
    "lfs pointer": "is a Git LFS pointer",
    "gguf": "is a GGUF file",
    "zeros": "is still empty space",
    "four bits": "stores numbers as F4_E2M1",
    "unheard of": "holds tensors of a kind Gesso does not know",
    "renamed": "is a pickled file under the name of a safetensors file",
    "nowhere": "is pickled in a form older than Stable Diffusion",
    "bomb": "is pickled in a form older than Stable Diffusion",
    "leads out": "is a link that leads out of the model folder",
    "out": "is a link that leads out of the model folder",
    "loop": "is a link to a file that is not there",
    "dangling": "is a link to a file that is not there",
    "pipe": "is a pipe or a device",
    "pipe.safetensors": "is a pipe or a device",
    "socket": "is a pipe or a device",
    "folder": "is a folder, not a model file",
    "runs code": "wants to run code of its own",
    "coming.safetensors.part": "is still being downloaded",
}


@pytest.fixture(scope="module")
def rows(client):
    """All files as the page gets them, by name."""
    answer = client.get(f"{API}/models?limit=500")
    assert answer.status_code == 200
    assert answer.json()["scanning"] is None
    return {row["name"]: row for row in answer.json()["models"]}


@pytest.mark.parametrize(("name", "sentence"), SENTENCES.items(), ids=SENTENCES)
def test_what_cannot_be_used_says_why_and_what_to_do(rows, name, sentence):
    problem = rows[name]["problem"]
    assert sentence in problem["message"]
    assert problem["message"].endswith(".")
    assert problem["cure"].endswith(".")
    assert len(problem["message"]) < 200


def test_nothing_else_is_wrong_and_nothing_was_run(rows, corpus):
    broken = {name for name, row in rows.items() if row["problem"]}
    assert broken == set(SENTENCES)
    assert rows["bomb"]["pickled"]
    assert rows["trapped"]["role"] == "embedding"
    assert not (corpus / "sprung").exists()


def test_only_what_is_inside_the_folder_is_listed(rows):
    assert not [name for name in rows if "secret" in name]


@pytest.mark.parametrize("hostile", NAMES)
def test_every_name_is_shown_safely_and_finds_its_file(studio, rows, hostile):
    shown = [e for e in studio.catalog.library.entries("lora") if e.path.stem == hostile]
    assert len(shown) == 1
    name = shown[0].name
    assert name in rows
    assert name.isprintable()
    assert name == hostile or not hostile.isprintable()
    assert studio.catalog.library.find(name, "lora").path == shown[0].path


@pytest.mark.parametrize("route", ["models?limit=500", "choices", "folders"])
def test_every_answer_is_valid_unicode_json(client, route):
    answer = client.get(f"{API}/{route}")
    assert answer.status_code == 200
    json.dumps(answer.json(), ensure_ascii=False).encode()
    assert answer.headers["content-type"].startswith("application/json")


def test_the_table_keeps_its_lines_and_its_terminal(studio):
    rows = listing(studio.catalog)
    table = as_table(rows)
    table.encode()
    noted = sum(bool(row["problem"] or row["note"]) for row in rows)
    assert len(table.splitlines()) == 1 + len(rows) + noted
    assert all(character.isprintable() for character in table if character != "\n")
    assert SCRIPT in table
    assert LONG not in table


def test_a_file_from_the_future_is_listed_and_usable(rows):
    assert rows["copying"]["problem"] is None


def test_what_a_file_tells_of_itself_is_cut_short(studio):
    entry = studio.catalog.library.find("talkative", "lora")
    assert entry.training.title.startswith(SCRIPT)
    assert len(entry.training.title) == 200
    assert entry.training.tags == ()


def test_equal_names_in_different_folders_are_two(studio):
    with pytest.raises(UnknownModel, match="several"):
        studio.catalog.library.find("twin", "lora")
    assert studio.catalog.library.find("b/twin", "lora").path.parent.name == "b"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("talkative", WrongModel),
        ("truncated", ModelFileError),
        ("bomb", ModelFileError),
        ("runs code", ModelFileError),
        ("../outside/secret", UnknownModel),
        ("/etc/passwd", UnknownModel),
        ("\0", UnknownModel),
        ("\udcff", UnknownModel),
    ],
)
def test_a_job_that_names_it_is_refused_at_once(client, name, error):
    started = time.monotonic()
    body = json.dumps({"prompt": "x", "checkpoint": name})
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"{API}/jobs", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["kind"] in (error.__name__, "RequestError")
    assert answer.json()["cure"]
    assert time.monotonic() - started < 10


def test_a_file_deleted_after_it_was_listed_says_so(studio, corpus):
    path = write(corpus / "models" / "fleeting.safetensors", real("sd15"))
    studio.catalog.rescan()
    assert studio.catalog.checkpoint("fleeting").variant.name == "sd15"
    path.unlink()
    with pytest.raises(UnknownModel):
        studio.catalog.checkpoint("fleeting")


def test_a_file_replaced_under_its_name_is_another_model(studio, corpus):
    path = write(corpus / "models" / "changing.safetensors", real("sd15"))
    studio.catalog.rescan()
    write(path, real("sdxl"))
    assert studio.catalog.checkpoint("changing").variant.name == "sdxl"
    path.unlink()
    studio.catalog.rescan()


def test_no_request_makes_the_server_open_a_path(client, corpus):
    for body in ({"id": "/etc"}, {"id": str(corpus / "outside")}):
        assert client.post(f"{API}/folders/adopt", json=body).status_code == 404
    for body in ({"path": "/etc"}, {}):
        assert client.post(f"{API}/folders/adopt", json=body).status_code == 422
    for folder in ("..", "%2e%2e%2f", "x" * 5000, "%00"):
        with contextlib.suppress(ValueError):
            assert client.delete(f"{API}/folders/{folder}").status_code in (404, 405, 414)
    for query in ("role=../x", "limit=1e9", "limit=0", "offset=-1", f"text={'x' * 201}"):
        assert client.get(f"{API}/models?{query}").status_code == 422
