"""Attacks from other web sites on a studio that listens on loopback only."""

import pytest

from app.api.doors import BODY_LIMIT

API = "/api/v1"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "LOCALHOST:7860"]
)
def test_every_name_of_this_machine_is_answered(client, host):
    assert client.get(f"{API}/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["rebind.example", "rebind.example:7860", "127.0.0.1", "127.0.0.1:80", "0.0.0.0:7860",
     "127.0.0.1:7860.evil.example", "127.0.0.1.evil.example:7860", "user@127.0.0.1:7860", ""],
)  # fmt: skip
def test_a_name_that_only_resolves_to_this_machine_is_not_answered(client, host):
    answer = client.get(f"{API}/jobs", headers={"host": host})
    assert answer.status_code == 421
    assert "prompt" not in answer.text
    assert answer.json()["cure"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:7860"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://localhost:7860"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:7860", "sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "OPTIONS"])
def test_nothing_but_a_read_is_taken_from_another_site(client, studio, method, headers):
    before = studio.jobs()
    answer = client.request(method, f"{API}/jobs", headers=headers, json={})
    assert answer.status_code == 403
    assert studio.jobs() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:7860", "sec-fetch-site": "same-origin"},
        {"origin": "http://127.0.0.1:7860"},
        {},
    ],
)
def test_our_own_page_and_programs_may_write(client, headers):
    answer = client.post(f"{API}/jobs", headers=headers, json={"steps": 0})
    assert answer.status_code == 422


def test_another_site_is_never_allowed_to_read_an_answer(client):
    answer = client.get(f"{API}/jobs", headers={"origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", f"{API}/health", f"{API}/nowhere", f"{API}/pictures/x.png"])
def test_every_answer_tells_the_browser_to_stay_at_home(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://example.org/x",
        "/gradio_api/file=HTTPS://example.org/x",
        "/gradio_api/file=%68ttp://169.254.169.254/",
        "/gradio_api/file= http://example.org",
        "/gradio_api/file=http:/example.org",
        "/gradio_api/proxy=http://example.org",
        "/proxy=https://example.org",
    ],
)
def test_the_server_fetches_nothing_for_anyone(client, path):
    assert client.get(path).status_code == 404


def test_a_body_longer_than_any_draft_is_refused(client, studio):
    before = studio.jobs()
    huge = b'{"prompt": "' + b"x" * BODY_LIMIT + b'"}'
    headers = {"content-type": "application/json"}
    said = client.post(f"{API}/jobs", content=huge, headers=headers)
    pieces = client.post(f"{API}/jobs", content=iter([huge[:1000], huge]), headers=headers)
    assert said.status_code == 413
    assert pieces.status_code >= 400
    assert studio.jobs() == before


def test_a_length_that_is_no_number_is_refused(client):
    assert client.get(f"{API}/health", headers={"content-length": "-5"}).status_code == 400
