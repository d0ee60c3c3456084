"""Where the network can reach the studio, nothing is told to those who have no token."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api import hosts
from app.api.events import EventStreams
from app.api.guard import Guard
from app.api.hosts import Hosts, reached_at
from app.api.places import Attempts, Places, client_key
from app.api.server import build_api
from app.settings import Settings

TOKEN = "0123456789abcdef-of-a-test"
BEARER = {"authorization": f"Bearer {TOKEN}"}
API = "/api/v1"


def lan(studio, **more) -> Settings:
    return Settings(**{**studio.settings.model_dump(), "host": "0.0.0.0", "token": TOKEN, **more})


@pytest.fixture(scope="module")
def api(studio) -> FastAPI:
    return build_api(studio, EventStreams(studio))


@pytest.fixture
def client(studio, api) -> TestClient:
    """A browser in the network, without the token."""
    app = Guard(api, lan(studio))
    return TestClient(app, "http://127.0.0.1:7860", follow_redirects=False)


def log_in(client: TestClient, token: str = TOKEN):
    return client.post("/login", data={"token": token})


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [f"{API}/jobs", f"{API}/events", f"{API}/assets", f"{API}/openapi.json", "/api/reference.js",
     f"{API}/nowhere", "/gesso/page.js", "/theme.css", "/assets/index.js", "/static/x.js",
     "/gradio_api/run/predict", "/gradio_api/upload", "/config"],
)  # fmt: skip
def test_every_address_asks_for_the_token(client, method, path):
    answer = client.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert method == "HEAD" or set(answer.json()) == {"kind", "message", "cure", "field"}


@pytest.mark.parametrize("path", ["/", "/api"])
def test_a_browser_is_shown_the_door(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_a_program_gets_in_by_its_header(client):
    assert client.get(f"{API}/jobs", headers=BEARER).status_code == 200
    assert client.get(f"{API}/jobs", headers={"authorization": TOKEN}).status_code == 401
    assert client.get(f"{API}/jobs?token={TOKEN}").status_code == 401


def test_a_browser_gets_in_by_a_cookie_that_no_script_and_no_other_site_can_use(client):
    answer = log_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert client.get(f"{API}/jobs").status_code == 200


def test_a_cookie_of_another_token_opens_nothing(client, studio, api):
    log_in(client)
    other = lan(studio, token="another token of 16".replace(" ", "-"))
    elsewhere = TestClient(Guard(api, other), client.base_url)
    elsewhere.cookies = client.cookies
    assert elsewhere.get(f"{API}/jobs").status_code == 401


def test_cookies_of_other_programs_do_not_hide_ours(client):
    held = log_in(client).headers["set-cookie"].partition(";")[0]
    client.cookies.clear()
    odd = f'a=b; {{"json": "x,y"}}; =; ;; {held}; last'
    assert client.get(f"{API}/jobs", headers={"cookie": odd}).status_code == 200


def test_a_login_from_another_site_is_refused(client):
    evil = {"origin": "http://evil.example"}
    assert client.post("/login", data={"token": TOKEN}, headers=evil).status_code == 403


@pytest.mark.parametrize("given", ["", "x", TOKEN + "x", TOKEN.upper(), "\x00", "ü" * 30])
def test_what_is_not_the_token_is_told_so(client, given):
    answer = log_in(client, given)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "This is not the token" in answer.text


def test_a_stranger_who_guesses_has_to_wait_and_even_the_right_token_waits_with_him(client):
    for _ in range(5):
        assert log_in(client, "guess").status_code == 401
    late = log_in(client)
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) >= 1
    assert "Too many" in late.text
    by_header = client.get(f"{API}/jobs", headers=BEARER)
    assert by_header.status_code == 429
    assert by_header.json()["cure"].startswith("Try again in")


def test_who_is_in_stays_in_while_others_guess(client):
    log_in(client)
    for _ in range(6):
        client.get(f"{API}/jobs", headers={"authorization": "Bearer wrong", "cookie": ""})
    assert client.get(f"{API}/jobs").status_code == 200


def test_waits_double_and_end(monkeypatch):
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    waits = []
    for _ in range(16):
        attempts.failed("them")
        waits.append(attempts.wait("them"))
        now[0] += waits[-1]
    assert waits[:8] == [0, 0, 0, 0, 1, 2, 4, 8]
    assert max(waits) == 300
    assert attempts.wait("others") == 0
    attempts.succeeded("them")
    attempts.failed("them")
    assert attempts.wait("them") == 0


def test_an_address_of_ipv6_stands_for_its_whole_network():
    assert client_key("2001:db8::1") == client_key("2001:db8::ffff:2") != client_key("2001:db9::1")
    assert client_key("::ffff:10.0.0.7") == client_key("10.0.0.7") != client_key("10.0.0.8")
    assert client_key("fe80::1%eth0") == client_key("fe80::2")


def test_places_are_given_back():
    places = Places(each=2, together=3)
    with places.taken("a") as one, places.taken("a") as two, places.taken("a") as three:
        assert (one, two, three) == (True, True, False)
        with places.taken("b") as four, places.taken("b") as five:
            assert (four, five) == (True, False)
    with places.taken("a") as again:
        assert again


def test_the_login_page_needs_nothing_from_anywhere(client):
    page = client.get("/login")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "gradio" not in page.text.lower()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de-AT,de;q=0.9,en;q=0.8", "de"), ("en-GB,de", "en"), ("fr,de", "de"), ("", "en")],
)
def test_the_login_page_speaks_the_browsers_language(client, accepted, language):
    page = client.get("/login", headers={"accept-language": accepted})
    assert f'<html lang="{language}">' in page.text


def test_without_a_token_there_is_no_login_page(studio, api):
    open_one = TestClient(Guard(api, studio.settings), "http://127.0.0.1:7860")
    assert open_one.get("/login").status_code == 404


def test_the_machine_answers_by_the_names_and_addresses_it_has_and_no_other(studio, monkeypatch):
    monkeypatch.setattr(hosts, "names", lambda: ["easel", "easel.local"])
    monkeypatch.setattr(hosts, "addresses", lambda: ["192.168.1.5", "2001:db8::5"])
    wide = Hosts(lan(studio, allow_host=("studio.example",)))
    for name in ("easel", "easel.local", "192.168.1.5", "[2001:db8::5]", "127.0.0.1", "localhost"):
        assert f"{name}:7860" in wide
        assert f"{name}:7861" not in wide
        assert name not in wide
    assert "studio.example" in wide
    assert "studio.example:7860" in wide
    for name in ("rebind.example", "192.168.1.6", "0.0.0.0", "easel.evil.example", ""):
        assert f"{name}:7860" not in wide
    narrow = Hosts(lan(studio, host="192.168.1.5"))
    assert "192.168.1.5:7860" in narrow
    assert "easel:7860" not in narrow


def test_on_port_80_a_name_needs_no_port(studio):
    assert "localhost" in Hosts(lan(studio, port=80))
    assert "localhost" not in Hosts(lan(studio))


def test_a_proxy_that_speaks_tls_is_known_by_the_name_it_was_given(studio, api):
    guard = Guard(api, lan(studio, allow_host=("studio.example",)))
    client = TestClient(guard, "http://studio.example", follow_redirects=False)
    secure = {"origin": "https://studio.example"}
    answer = client.post("/login", data={"token": TOKEN}, headers=secure)
    assert answer.status_code == 303
    assert answer.headers["set-cookie"].endswith("; Secure")
    other = {"origin": "https://evil.example"}
    assert client.post("/login", data={"token": TOKEN}, headers=other).status_code == 403


def test_the_terminal_names_the_addresses_that_others_can_open(studio, monkeypatch):
    monkeypatch.setattr(hosts, "addresses", lambda: ["192.168.1.5"])
    assert reached_at(studio.settings) == ("http://127.0.0.1:7860", [])
    assert reached_at(lan(studio)) == ("http://127.0.0.1:7860", ["http://192.168.1.5:7860"])
    one = lan(studio, host="10.0.0.2")
    assert reached_at(one) == ("http://10.0.0.2:7860", ["http://10.0.0.2:7860"])
