"""What pages of other sites can do to a studio in the same browser: nothing, but link to it.

A browser of its own, for which evil.example and rebind.example are names of this machine.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import ARGUMENTS, CHROMIUM, Server

NAMES = "MAP evil.example 127.0.0.1, MAP rebind.example 127.0.0.1"
RULES = f"--host-resolver-rules={NAMES}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"

SEND = """async ({ url, ...options }) => {
  try {
    const answer = await fetch(url, options);
    return answer.type === "opaque" ? "unreadable" : await answer.text();
  } catch (error) { return "unreadable"; }
}"""

LOAD = """({ tag, url }) => new Promise((done) => {
  const element = document.createElement(tag);
  element.onload = () => done("loaded");
  element.onerror = () => done("refused");
  element[tag === "link" ? "href" : "src"] = url;
  if (tag === "link") element.rel = "stylesheet";
  document.body.append(element);
})"""


class _Evil(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title><body>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def evil_port() -> Iterator[int]:
    """The port of another web server on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Evil) as evil:
        threading.Thread(target=evil.serve_forever, daemon=True).start()
        yield evil.server_address[1]
        evil.shutdown()


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    """A browser that knows the names; it has seen the studio before."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    arguments = [one for one in ARGUMENTS if "host-resolver" not in one]
    other = browser.browser_type.launch(executable_path=CHROMIUM, args=[*arguments, RULES])
    yield other.new_context()
    other.close()


@pytest.fixture(params=["evil.example", "127.0.0.1"])
def evil(request: pytest.FixtureRequest, context: Any, evil_port: int) -> Iterator[Any]:
    """A page of another site, and of another port of this machine, which is the same site."""
    page = context.new_page()
    page.goto(f"http://{request.param}:{evil_port}/")
    yield page
    page.close()


def state(server: Server) -> Any:
    """All that an attack could change."""
    return server.get("jobs"), server.get("pictures")


def writes(server: Server) -> list[tuple[str, str]]:
    """Method and address of every route that is not a read."""
    paths = server.get("openapi.json")["paths"]
    return [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, item in paths.items()
        for method in item
        if method != "get"
    ]


def test_another_site_reads_nothing(evil: Any, server: Server) -> None:
    assert "evil" in evil.evaluate(SEND, {"url": "/"}), "its own pages it can read"
    for path in ("/", "/api", "/api/v1/jobs", "/api/v1/openapi.json", "/config", "/gesso/page.js"):
        for mode in ("cors", "no-cors"):
            for credentials in ("omit", "include"):
                asked = {"url": server.url + path, "mode": mode, "credentials": credentials}
                assert evil.evaluate(SEND, asked) == "unreadable"


def test_another_site_sends_nothing_that_is_done(evil: Any, server: Server) -> None:
    before = state(server)
    draft = '{"prompt": "evil", "steps": 2}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
        told = {"method": "POST", "body": draft, "headers": {"Content-Type": kind}}
        for path in ("/api/v1/jobs", "/gradio_api/run/predict", "/gradio_api/queue/join"):
            for mode in ("no-cors", "cors"):
                evil.evaluate(SEND, {"url": server.url + path, "mode": mode, **told})
    for method, path in writes(server):
        for mode in ("no-cors", "cors"):
            asked = {"url": server.url + path, "method": method, "mode": mode}
            evil.evaluate(SEND, asked)
    for path in ("cancel", "reset", "queue/join", "upload", "startup-events"):
        url = f"{server.url}/gradio_api/{path}"
        evil.evaluate(SEND, {"url": url, "method": "POST", "mode": "no-cors"})
    assert state(server) == before


def test_no_form_of_another_site_gets_in(evil: Any, server: Server) -> None:
    before = state(server)
    submit = """({ url, kind }) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: url, enctype: kind, target: "_blank" });
      const field = document.createElement("input");
      field.name = '{"prompt": "evil", "x": "'; field.value = '"}';
      form.append(field); document.body.append(form); form.submit();
    }"""
    for path in ("/api/v1/jobs", "/api/v1/queue/pause", "/api/v1/assets", "/gradio_api/upload"):
        for kind in ("text/plain", "multipart/form-data"):
            with evil.context.expect_page() as opened:
                evil.evaluate(submit, {"url": server.url + path, "kind": kind})
            opened.value.wait_for_load_state()
            assert "Another site sent this request." in opened.value.content()
            opened.value.close()
    assert state(server) == before


def test_nothing_of_ours_can_be_built_into_another_site(evil: Any, server: Server) -> None:
    picture = f"{server.url}/gesso/mark.svg"
    assert evil.evaluate(LOAD, {"tag": "img", "url": picture}) == "refused"
    for path in ("/api/v1/jobs", "/gesso/page.js", "/api/v1/openapi.json"):
        asked = {"tag": "script", "url": server.url + path}
        assert evil.evaluate(LOAD, asked) == "refused"
    assert evil.evaluate(LOAD, {"tag": "link", "url": f"{server.url}/theme.css"}) == "refused"
    for path in ("/", "/api", "/api/v1/jobs"):
        evil.evaluate(LOAD, {"tag": "iframe", "url": server.url + path})
    refused = ["chrome-error://chromewebdata/"] * 3
    for _ in range(100):  # A frame has loaded a moment before its address is told.
        if (urls := [frame.url for frame in evil.frames[1:]]) == refused:
            break
        evil.wait_for_timeout(50)
    assert urls == refused


def test_another_site_may_open_the_page_but_holds_nothing_of_it(evil: Any, server: Server) -> None:
    with evil.context.expect_page() as opened:
        evil.evaluate("url => { window.held = window.open(url) }", server.url)
    opened.value.wait_for_selector("[id$=generate]")
    assert evil.evaluate("() => window.held.closed"), "the two pages know of each other"
    opened.value.close()
    with evil.context.expect_page() as opened:
        evil.evaluate("url => { window.open(url) }", f"{server.url}/api/v1/jobs")
    opened.value.wait_for_load_state()
    assert "Another site sent this request." in opened.value.content()
    opened.value.close()


def test_another_site_follows_no_events_and_opens_no_socket(evil: Any, server: Server) -> None:
    listen = """(url) => new Promise((done) => {
      const source = new EventSource(url, { withCredentials: true });
      source.onmessage = source.onopen = () => done("heard");
      source.onerror = () => { source.close(); done("refused"); };
    })"""
    socket = """(url) => new Promise((done) => {
      const socket = new WebSocket(url);
      socket.onopen = () => done("open");
      socket.onerror = () => done("refused");
    })"""
    assert evil.evaluate(listen, f"{server.url}/api/v1/events") == "refused"
    for path in ("/", "/gradio_api/queue/join", "/api/v1/events"):
        url = server.url.replace("http", "ws") + path
        assert evil.evaluate(socket, url) == "refused"


def test_a_name_that_is_turned_to_this_machine_shows_nothing(context: Any, server: Server) -> None:
    before = state(server)
    port = server.url.rpartition(":")[2]
    page = context.new_page()
    answer = page.goto(f"http://rebind.example:{port}/")
    assert answer.status == 421
    assert "gradio" not in page.content()
    for path in ("/api/v1/jobs", "/api/v1/openapi.json", "/gesso/page.js"):
        assert json.loads(page.evaluate(SEND, {"url": path}))["kind"] == "Refused"
    for method, path in writes(server):
        told = page.evaluate(SEND, {"url": path, "method": method})
        assert "This is not an address of Gesso." in told
    assert state(server) == before
    page.close()
