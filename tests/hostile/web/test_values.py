"""Values that no form sends: every JSON address, every parameter of a draft, every id."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.events import EventStreams
from app.api.guard import Guard
from app.api.server import build_api
from app.studio.service import Studio

DRAFT = {"prompt": "a red house", "checkpoint": "tiny-sd1", "steps": 2}
OPENS_A_WINDOW = "/api/v1/folders/choose"


@pytest.fixture(scope="session")
def sleeping(settings_in, tmp_path_factory: pytest.TempPathFactory):
    """A studio whose engine is never started."""
    studio = Studio(settings_in(tmp_path_factory.mktemp("values")))
    yield studio
    studio.close()


@pytest.fixture(scope="session")
def client(sleeping) -> TestClient:
    app = Guard(build_api(sleeping, EventStreams(sleeping)), sleeping.settings)
    return TestClient(app, "http://127.0.0.1:7860", raise_server_exceptions=False)


def refused(answer, *statuses: int) -> dict[str, Any]:
    """The refusal in an answer."""
    assert answer.status_code in (statuses or (422,)), answer.text
    error = answer.json()
    assert set(error) == {"kind", "message", "cure", "field"}
    assert error["message"]
    assert error["cure"]
    return error


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *(({"prompt": value}, "prompt") for value in ("x" * 20_000, None, 1, ["a"], {"$ne": 1})),
        *(({"size": value}, "size") for value in ("63x64", "513x512", "0x0", "-8x8", "16384x64",
                                                  [64, 64], "64x64x64", {"width": 64}, True)),
        *(({"steps": value}, "steps") for value in (0, -1, 10_000, "20.5", 1.5, [], "x")),
        *(({"seed": value}, "seed") for value in (-2, 2**64, 2**200, "abc", 1.5, {})),
        *(({"guidance_scale": value}, "guidance_scale") for value in (1e9, "1e999", -5, "x")),
        *(({"count": value}, "count") for value in (0, -1, 1000, "many")),
        *(({name: "no such"}, name) for name in ("sampler", "schedule", "checkpoint")),
        *(({name: 5}, name) for name in ("sampler", "schedule", "checkpoint")),
        ({"checkpoint": "../../etc/passwd"}, "checkpoint"),
        ({"checkpoint": "/etc/passwd"}, "checkpoint"),
        ({"checkpoint": "http://127.0.0.1:1/x"}, "checkpoint"),
        ({"checkpoint": "file:///etc/passwd"}, "checkpoint"),
        ({"__class__": "x"}, "__class__"),
        ({"prediction_type": "x"}, "prediction_type"),
        ({"clip_skip": 99}, "clip_skip"),
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_names_its_field_and_queues_nothing(client, sleeping, change, field):
    before = sleeping.jobs()
    answer = client.post("/api/v1/jobs", json={**DRAFT, **change})
    assert refused(answer)["field"] == field
    assert sleeping.jobs() == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("name", ["guidance_scale", "steps", "seed", "count"])
def test_numbers_that_are_none_are_refused(client, name, number):
    body = f'{{"prompt": "x", "checkpoint": "tiny-sd1", "{name}": {number}}}'
    answer = client.post("/api/v1/jobs", content=body, headers=JSON)
    assert refused(answer, 422)["field"] == name


@pytest.mark.parametrize(
    "prompt",
    ["", " ", "🎨👩‍👩‍👧", "שלום\u202eabc", "a\u200bb", "a\x00b", "((((", "))))", "[a:b:",
     "[a:b:0.5", "(a:1e999)", "(a:nan)", "BREAK" * 50, "a AND " * 50, "<lora:../../x:1>",
     "<script>alert(1)</script>", "{" * 200, "\\" * 200, "%s%n{0}${x}", "'; DROP TABLE jobs; --"],
)  # fmt: skip
def test_any_text_is_a_prompt_or_a_sentence(client, sleeping, prompt):
    answer = client.post("/api/v1/jobs", json={**DRAFT, "prompt": prompt})
    if answer.status_code != 201:
        refused(answer)
        return
    job = answer.json()["id"]
    assert client.get(f"/api/v1/jobs/{job}").json()["prompt"] == prompt


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"1", b'"x"', b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe{",
     b'{"prompt": "\\ud800"}', b'{"steps": 2, "steps": 0}', b'{"steps": ' + b"9" * 5000 + b"}",
     b'\xef\xbb\xbf{"steps": 2}', b"{'steps': 2}", b'{"steps": 0x10}', b'{"prompt": "a\nb"}'],
)  # fmt: skip
def test_a_body_that_is_no_draft_is_a_sentence(client, body):
    answer = client.post("/api/v1/jobs", content=body, headers=JSON)
    if answer.status_code != 201:
        refused(answer, 400, 422)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "x"])
def test_what_does_not_say_that_it_is_json_is_not_read_as_such(client, sleeping, kind):
    before = sleeping.jobs()
    body = json.dumps(DRAFT).encode()
    refused(client.post("/api/v1/jobs", content=body, headers={"content-type": kind}), 415)
    assert sleeping.jobs() == before


HOSTILE = [
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "..\\..\\x", "/etc/passwd", "\x00", "a\x00.png",
    "x" * 4000, "CON", "nul", "~", "$HOME", "*", "?", "|id", "`id`", "{0}", "%s",
    "20260101-000000-001-1/../../x", "20260101-000000-001-1\n", "\u202e", "🎨", "0" * 64, "0" * 32,
]  # fmt: skip


def routes_of(client: TestClient) -> list[tuple[str, str, bool]]:
    """Method, path and whether a JSON body is taken, of every route the API describes."""
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    return [
        (method, path, "application/json" in spec.get("requestBody", {}).get("content", {}))
        for path, item in paths.items()
        for method, spec in item.items()
        if path not in (OPENS_A_WINDOW, "/api/v1/events")
    ]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_id_that_is_none_opens_nothing_at_any_address(client, hostile):
    for method, path, _ in routes_of(client):
        if "{" not in path:
            continue
        start, _, rest = path.partition("{")
        address = start + quote(hostile, safe="") + rest.partition("}")[2]
        answer = client.request(method, address, json={})
        assert 400 <= answer.status_code < 500, f"{method} {address[:90]}: {answer.text[:300]}"
        assert set(answer.json()) == {"kind", "message", "cure", "field"}
        assert "root:" not in answer.text


TEXTS = st.text(st.characters(codec=None), max_size=40)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXTS, inside, max_size=4),
    max_leaves=12,
)


def bodies(names: list[str]) -> st.SearchStrategy[Any]:
    """Any JSON, and objects whose keys are those that are understood."""
    known = st.dictionaries(st.sampled_from(names), VALUES, max_size=6) if names else st.just({})
    return VALUES | known


@settings(
    max_examples=150, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(data=st.data())
def test_no_json_whatsoever_breaks_any_address(client, data):
    """A sentence or a success, but never a defect of ours."""
    routes = [(method, path) for method, path, takes_json in routes_of(client) if takes_json]
    method, path = data.draw(st.sampled_from(routes))
    body = json.dumps(data.draw(bodies(field_names(client, method, path))))
    address = path.replace("{", "").replace("}", "")
    answer = client.request(method, address, content=body, headers=JSON)
    if answer.status_code >= 400:
        assert answer.status_code < 500, f"{method} {path} {body}: {answer.text}"
        refused(answer, answer.status_code)


def field_names(client: TestClient, method: str, path: str) -> list[str]:
    document = client.get("/api/v1/openapi.json").json()
    body = document["paths"][path][method]["requestBody"]["content"]["application/json"]
    schema = body["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return sorted(schema.get("properties", {}))


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=1e9", "limit=NaN", "limit=9" * 50, "before=..%2f..", "before=%00",
              "seed=x", "from=x", "to=%F0", "text=" + "%28" * 500, "limit[]=1",
              "text=%27%20OR%201=1--", "text=%22", "text=NEAR(", "text=*", "offset=-1",
              "favourite=maybe", "&&&=", "limit="]
)  # fmt: skip
def test_no_query_breaks_the_gallery(client, query):
    answer = client.get(f"/api/v1/pictures?{query}")
    if answer.status_code != 200:
        refused(answer, 422)


def test_an_address_in_a_field_is_never_fetched(client):
    """Whatever a field is for, a server that would answer hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.settimeout(0.2)
        port = bait.getsockname()[1]
        for method, path, takes_json in routes_of(client):
            place = path.replace("{", "").replace("}", "")
            for name in field_names(client, method, path) if takes_json else ():
                answer = client.request(method, place, json={name: f"http://127.0.0.1:{port}/x"})
                assert answer.status_code < 500
        with pytest.raises(TimeoutError):
            bait.accept()
