"""The pages beside the studio: the door, where a token is asked for, and the book of the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Server

TOKEN = "0123456789abcdef-of-a-test"


@pytest.fixture(scope="module")
def locked(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that asks for a token."""
    home = tmp_path_factory.mktemp("locked")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GESSO_TOKEN", TOKEN)
        patch.setenv("GESSO_PRESETS", "")
        running = Server(home, server.models, home)
    yield running
    running.stop()


def newcomer(browser: Any, troubles: list[str], **look: Any) -> Any:
    """A page in a browser that was never here; what goes wrong is noted."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, **look)
    page = context.new_page()
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    return page


def test_a_browser_gives_the_token_once_and_then_has_the_whole_studio(
    browser: Any, locked: Server
) -> None:
    troubles: list[str] = []
    page = newcomer(browser, troubles, locale="de-DE", color_scheme="dark")
    page.goto(locked.url)
    assert page.url == f"{locked.url}/login"
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 21, 18)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.activeElement.id") == "token"

    page.keyboard.type("not the token at all")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]:not([hidden])")
    troubles.clear()  # Chromium writes every 401 to its console.

    page.fill("#token", TOKEN)
    page.click("button")
    page.wait_for_selector(".engine[data-state=ready]", timeout=60_000)
    assert page.url == f"{locked.url}/"
    assert "gesso-" not in page.evaluate("document.cookie")
    assert not troubles

    assert page.request.get(f"{locked.url}/api/v1/jobs").status == 200
    page.context.close()


def test_a_link_of_the_terminal_lets_a_phone_in_and_leaves_no_token_behind(
    browser: Any, locked: Server
) -> None:
    asked: list[str] = []
    troubles: list[str] = []
    page = newcomer(browser, troubles, color_scheme="light")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{locked.url}/login#{TOKEN}")
    page.wait_for_url(f"{locked.url}/")
    page.wait_for_selector("[id$=generate]")
    assert not [url for url in asked if TOKEN in url.partition("#")[0]]
    page.go_back()
    assert TOKEN not in page.url
    assert not troubles
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_book_of_the_api_shows_every_route_without_asking_anyone(
    browser: Any, server: Server, scheme: str
) -> None:
    troubles: list[str] = []
    asked: list[str] = []
    page = newcomer(browser, troubles, color_scheme=scheme)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/api")
    page.wait_for_selector("#book article")
    paths = server.get("openapi.json")["paths"]
    routes = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    shown = page.locator("#book h3").all_inner_texts()
    assert {" ".join(text.split()) for text in shown} == routes
    assert page.locator("nav a").count() == len(routes)
    assert all(text.strip() for text in page.locator("#book .summary").all_inner_texts())
    assert all(url.startswith(server.url) for url in asked)

    draft = page.locator("#post--api-v1-jobs")
    assert "guidance_scale" in draft.inner_text()
    assert "curl" in draft.locator("pre").inner_text()
    page.fill("#find", "preview")
    assert 1 <= page.locator("#book article:visible").count() < len(routes)
    dark = page.evaluate("document.body.classList.contains('dark')")
    assert dark is (scheme == "dark")
    assert not troubles
    page.context.close()
