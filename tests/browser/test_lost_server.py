"""The server goes away and comes back; the page stays."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import Server
from tests.browser.test_text_to_image import generate, prepare


def test_what_was_typed_outlives_the_server(open_page: Any, server: Server) -> None:
    page = open_page()
    page.fill("#prompt textarea", "typed before the end")
    server.process.kill()
    server.process.wait()
    page.wait_for_selector(".engine[data-state=lost]")
    page.click("#generate")
    card = page.wait_for_selector(".notice")
    assert "What you typed stays here." in card.inner_text()

    server.start()
    page.wait_for_selector(".engine[data-state=ready]")
    page.wait_for_selector(".notice", state="detached")
    assert page.input_value("#prompt textarea") == "typed before the end"
    page.click("#generate")
    page.wait_for_selector(".caption .prompt:has-text('typed before the end')")


def test_a_picture_that_did_not_come_is_asked_for_again(open_page: Any, server: Server) -> None:
    page = open_page()
    page.route("**/pictures/*.png", lambda route: route.abort())
    prepare(page, "held up on its way", steps="2")
    picture = generate(page)
    page.wait_for_function("document.querySelector('.canvas img').naturalWidth === 0")
    page.unroute("**/pictures/*.png")
    server.send("PUT", f"pictures/{picture}/favourite")  # the gallery has news
    page.wait_for_function("document.querySelector('.canvas img').naturalWidth > 0")
