"""Requests that no browser sends: malformed, endless, enormous, and too many."""

from __future__ import annotations

import contextlib
import time

import pytest

from app.api import bodies, protocol
from app.api.guard import STREAMS_EACH
from tests.hostile.web.conftest import Served, read

JOBS = "/api/v1/jobs"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: %(host)s\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 421),
        (b"GET / HTTP/1.0\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: %(host)s\r\nContent-Length: -1\r\n\r\n", 400),
        (
            b"GET / HTTP/1.1\r\nHost: %(host)s\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            400,
        ),
        (b"GET / HTTP/1.1\r\nHost: %(host)s\r\nHeader without colon\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: %(host)s\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 80 + b"\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_what_is_no_http_is_told_in_the_form_of_every_error(served, request_bytes, status):
    answer = served.raw(request_bytes.replace(b"%(host)s", served.host.encode()))
    assert answer.status == status
    answer.said()


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
@pytest.mark.parametrize("target", ["/", JOBS, "/gradio_api/upload"])
def test_methods_that_nothing_takes_are_refused(served, method, target):
    answer = served.ask(method, target)
    assert answer.status == 405
    assert "GET" in answer.headers["allow"]
    answer.said()


@pytest.mark.parametrize(
    ("method", "target"), [("POST", "/"), ("DELETE", "/gesso/page.js"), ("PUT", "/theme.css"),
                           ("GET", "/gradio_api/run/predict"), ("PATCH", "/assets/x.js"),
                           ("PATCH", JOBS)]
)  # fmt: skip
def test_a_method_that_this_address_does_not_take_is_told_with_those_it_takes(
    served, method, target
):
    answer = served.ask(method, target)
    assert answer.status == 405
    assert answer.headers["allow"]
    answer.said()


def test_head_is_answered_without_a_body(served):
    answer = served.ask("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")
    assert served.ask("HEAD", "/nowhere").body == b""


@pytest.mark.parametrize(
    "target",
    ["http://evil.example/", "http://127.0.0.1/api/v1/jobs", "//api/v1/jobs", "//evil.example/",
     "/api//v1/jobs", "/api/v1/../v1/jobs", "/api/v1/%2e%2e/v1/jobs", "/%2e%2e/%2e%2e/etc/passwd",
     "/gesso/../page.py", "/gesso/%2e%2e/page.py", "/gesso/..%5cpage.py", "/gesso/page.js%00.png",
     "/gesso/%5c%5cevil%5cshare", "/static/../../../../etc/passwd", "/static//etc/passwd",
     "/assets/%2e%2e%2f%2e%2e%2fconfig", "/api/v1/jobs/%0d%0aSet-Cookie:%20a=b", "/api/v1/jobs/%ff",
     "*", "x", "/.%2e/", "/api/v1/./jobs", "/%2fapi/v1/jobs"],
)  # fmt: skip
def test_odd_addresses_lead_nowhere(served, target):
    answer = served.ask("GET", target)
    assert answer.status == 404
    assert answer.said()["kind"] == "NotFound"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "target", ["/nowhere", "/api/", "/api/v1", "/api/v2/jobs", "/api/v1/nowhere", "/config/",
               "/gesso/nowhere.js", "/assets/nowhere.js", "/static/nowhere", "/API/V1/JOBS",
               "/docs", "/redoc", "/openapi.json", "/metrics", "/.env"]
)  # fmt: skip
def test_an_address_where_nothing_is_has_the_form_of_every_error(served, target):
    answer = served.ask("GET", target)
    assert answer.status == 404
    answer.said()
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "target",
    ["upload", "upload_progress?upload_id=1", "file=/etc/passwd", "file/etc/passwd",
     "file=http://127.0.0.1", "proxy=http://127.0.0.1", "stream/x", "heartbeat/x", "info",
     "openapi.json", "queue/join", "queue/data?session_hash=x", "queue/status", "cancel", "reset",
     "call/predict", "call/v2/predict", "api/predict", "run/other", "startup-events", "app_id",
     "component_server", "custom_component/1/client/component/index.js", "deep_link",
     "vibe-edit", "vibe-code", "process_recording", "run-history/records", "mcp/", "token",
     "user", "login_check", "dev/reload", "profiling/traces"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_gradio_brings_and_the_page_does_not_use_is_shut(served, method, target):
    assert served.ask(method, f"/gradio_api/{target}").status == 404


@pytest.mark.parametrize(
    "target", ["/config", "/info", "/login", "/logout", "/runs", "/monitoring", "/monitoring/x",
               "/svelte/x.js", "/pwa_icon", "/manifest.json", "/robots.txt", "/queue/join",
               "/upload", "/file=/etc/passwd", "/proxy=http://x", "/reset", "/api/predict"]
)  # fmt: skip
def test_what_gradio_serves_at_the_root_is_shut_too(served, target):
    for method in ("GET", "POST"):
        assert served.ask(method, target).status == 404


def test_too_long_an_address_is_told_so(served):
    assert served.ask("GET", "/api/v1/jobs/" + "x" * 9000).status == 414
    assert served.ask("GET", "/api/v1/jobs?q=" + "x" * 9000).said()["message"]


@pytest.mark.parametrize("headers", [{"X": "x" * 100_000}, {f"X{i}": "x" * 90 for i in range(999)}])
def test_too_long_headers_are_told_so(served, headers):
    answer = served.ask("GET", "/", **headers)
    assert answer.status == 431
    answer.said()


def test_an_upgrade_to_a_websocket_is_not_taken(served):
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    for target in ("/", "/gradio_api/queue/join", "/api/v1/events"):
        answer = served.ask("GET", target, **headers)
        assert answer.status in (200, 404)
        assert "sec-websocket-accept" not in answer.headers


def test_a_head_that_never_ends_is_not_waited_for(served, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with served.connect() as connection:
        began = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
        for _ in range(3):
            time.sleep(0.05)
            connection.sendall(b"1")
        answer = read(connection)
    assert answer.status == 408
    answer.said()
    assert time.monotonic() - began < 3


def test_the_second_request_of_a_connection_is_not_waited_for_either(served, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    head = f"GET /api/v1/nowhere HTTP/1.1\r\nHost: {served.host}\r\n\r\n".encode()
    with served.connect() as connection:
        connection.sendall(head)
        assert read(connection).status == 404
        connection.sendall(b"GET")
        assert read(connection).status == 408


def test_a_body_that_never_ends_is_not_waited_for(served, monkeypatch):
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.3)
    head = f"POST {JOBS} HTTP/1.1\r\nHost: {served.host}\r\nContent-Length: 900\r\n\r\n".encode()
    with served.connect() as connection:
        connection.sendall(head + b'{"prompt')
        answer = read(connection)
    assert answer.status == 408
    answer.said()


@pytest.mark.parametrize("target", [JOBS, "/api/v1/assets", "/gradio_api/run/predict", "/login"])
def test_six_gigabytes_are_refused_before_they_are_sent(served, target):
    answer = served.ask("POST", target, Content_Length="6000000000", Expect="100-continue")
    assert answer.status == (404 if target == "/login" else 413)
    answer.said()


def test_pieces_without_end_are_refused_at_the_limit(served):
    with served.connect() as connection:
        head = f"POST {JOBS} HTTP/1.1\r\nHost: {served.host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        piece = b"40000\r\n" + b" " * 0x40000 + b"\r\n"
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                connection.sendall(piece)
        # Where the refusal came while we still sent, the system may throw it away.
        assert read(connection).status in (413, 0)


def test_a_client_that_opens_too_many_event_streams_is_told_so(served):
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: {served.host}\r\n\r\n".encode()
    with contextlib.ExitStack() as held:
        open_ones = [held.enter_context(served.connect()) for _ in range(STREAMS_EACH)]
        for connection in open_ones:
            connection.sendall(request)
            assert read(connection).status == 200
        late = served.raw(request)
        assert late.status == 429
        assert "events" in str(late.said()["message"])
        assert served.ask("GET", JOBS).status == 200
    deadline = time.monotonic() + 5
    while served.raw(request).status != 200:
        assert time.monotonic() < deadline, "the places were not given back"


def test_a_client_that_opens_too_many_connections_is_told_so_and_harms_nobody(served, monkeypatch):
    monkeypatch.setattr(protocol, "CONNECTIONS_EACH", 20)
    with contextlib.ExitStack() as held:
        for _ in range(20):
            held.enter_context(served.connect())
        time.sleep(0.2)
        answer = served.ask("GET", JOBS)
        assert answer.status in (503, 0)
    time.sleep(0.2)
    assert served.ask("GET", JOBS).status == 200


def test_a_refusal_ends_neither_the_connection_nor_the_server(served):
    bad = f"GET /nowhere HTTP/1.1\r\nHost: {served.host}\r\n\r\n".encode()
    good = f"GET {JOBS} HTTP/1.1\r\nHost: {served.host}\r\n\r\n".encode()
    with served.connect() as connection:
        for request, status in ((bad, 404), (good, 200), (bad, 404), (good, 200)):
            connection.sendall(request)
            assert read(connection).status == status


def test_what_a_browser_may_keep_is_said_with_every_answer(served: Served):
    kept = {
        "/": "private, no-cache",
        "/gesso/page.js": "no-cache",
        "/theme.css": "private, no-cache",
        JOBS: "no-store",
        "/api": "private, no-cache",
    }
    found = {path: served.ask("GET", path).headers["cache-control"] for path in kept}
    assert found == kept
