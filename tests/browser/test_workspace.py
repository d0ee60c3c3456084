"""Nothing that the artist has in front of them is lost: by no reload, no browser, no crash."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.browser.conftest import Server
from tests.browser.test_text_to_image import ENDED, choose, generate, prepare, set_size, shown, size

CLEAR = """() => fetch("/api/v1/queue/clear", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ what: "waiting" }),
})"""


def kept(server: Server, tab: str) -> dict[str, Any]:
    return server.get("workspace")["tabs"][tab]


def wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_until_kept(server: Server, tab: str, field: str, value: object) -> None:
    wait_until(lambda: kept(server, tab)["values"].get(field) == value)


def waiting(server: Server) -> list[str]:
    return [job["prompt"] for job in server.get("jobs") if job["state"] == "queued"]


def come_back(page: Any) -> None:
    """As if the artist had looked at another window meanwhile."""
    page.evaluate("window.dispatchEvent(new Event('focus'))")


def test_a_reload_right_after_typing_loses_nothing(open_page: Any, server: Server) -> None:
    page = open_page()
    page.click("#prompt textarea")
    page.keyboard.type("not one letter of this may be lost 😀")
    page.reload()
    page.wait_for_selector("body[data-workspace=found]")
    text = "not one letter of this may be lost 😀"
    page.wait_for_function(f"document.querySelector('#prompt textarea').value === '{text}'")
    wait_until_kept(server, "shared", "prompt", text)


def test_a_reload_and_another_browser_find_the_form_and_the_running_job(
    open_page: Any, server: Server
) -> None:
    page = open_page()
    prepare(page, "a slow boat", steps="150", seed=str(2**64 - 1))
    choose(page, "sampler", "Euler a")
    set_size(page, 512, 512)
    page.click("#generate")
    page.wait_for_selector(".detail:has-text('step')")
    page.reload()
    for found in (page, open_page(fresh=False)):
        found.wait_for_selector(".stage[data-state=painting] .canvas.preview")
        found.wait_for_selector(".detail:has-text('step')")
        assert found.input_value("#prompt textarea") == "a slow boat"
        assert found.input_value("#steps input >> nth=0") == "150"
        assert found.input_value("#seed input") == str(2**64 - 1)
        assert found.input_value("#sampler input").startswith("Euler a")
        assert size(found) == ("512", "512")
    for prompt, keys, order in (("waits", [], ["waits"]), ("next", ["Shift"], ["next", "waits"])):
        prepare(page, prompt)
        page.click("#generate", modifiers=keys)
        wait_until(lambda order=order: waiting(server) == order)
    page.evaluate(CLEAR)
    page.click("#stop")
    page.wait_for_function(ENDED)


def test_of_two_browsers_the_last_word_counts_and_who_returns_sees_it(
    open_page: Any, server: Server
) -> None:
    here, there = open_page(), open_page(fresh=False)
    here.fill("#prompt textarea", "written here")
    here.fill("#negative_prompt textarea", "kept from here")
    wait_until_kept(server, "shared", "negative_prompt", "kept from here")
    there.fill("#prompt textarea", "written there")
    wait_until_kept(server, "shared", "prompt", "written there")
    assert here.input_value("#prompt textarea") == "written here"
    come_back(here)
    here.wait_for_function("document.querySelector('#prompt textarea').value === 'written there'")
    assert here.input_value("#negative_prompt textarea") == "kept from here"

    here.context.set_offline(True)
    here.fill("#prompt textarea", "not yet sent")
    there.fill("#prompt textarea", "sent meanwhile")
    wait_until_kept(server, "shared", "prompt", "sent meanwhile")
    here.context.set_offline(False)
    come_back(here)
    wait_until_kept(server, "shared", "prompt", "not yet sent")
    assert here.input_value("#prompt textarea") == "not yet sent"


def test_after_a_kill_the_form_the_open_picture_and_the_queue_are_there(
    open_page: Any, server: Server
) -> None:
    page = open_page()
    prepare(page, "the older one", seed="31")
    older = generate(page)
    prepare(page, "the newer one", seed="32")
    generate(page)
    page.click(".tile[aria-label='Picture: the older one'] >> nth=0")
    page.wait_for_selector(".caption .prompt:has-text('the older one')")
    assert kept(server, "text-to-image")["picture"] in (None, older)
    prepare(page, "typed a second before the end", steps="9")
    wait_until_kept(server, "shared", "prompt", "typed a second before the end")
    server.process.kill()
    server.process.wait()
    server.start()
    found = open_page(fresh=False)
    assert found.input_value("#prompt textarea") == "typed a second before the end"
    assert found.input_value("#steps input >> nth=0") == "9"
    found.wait_for_selector(".caption .prompt:has-text('the older one')")
    assert shown(found) == older
    assert [job["prompt"] for job in server.get("jobs")[:2]] == ["the newer one", "the older one"]


def test_what_a_picture_wrote_over_the_form_can_be_taken_back(open_page: Any) -> None:
    page = open_page()
    prepare(page, "of the picture", steps="3", seed="5")
    generate(page)
    prepare(page, "a long text of my own", steps="11", seed="")
    page.click("text=Reuse settings")
    page.wait_for_selector(".notice .undo")
    page.wait_for_function("document.querySelector('#seed input').value === '5'")
    assert page.input_value("#prompt textarea") == "of the picture"
    page.click(".notice .undo")
    page.wait_for_function("document.querySelector('#seed input').value === ''")
    assert page.input_value("#prompt textarea") == "a long text of my own"
    assert page.input_value("#steps input >> nth=0") == "11"
    assert page.query_selector(".notice") is None

    page.click("#reset")
    page.wait_for_selector(".notice .undo")
    page.wait_for_function("document.querySelector('#steps input').value === '4'")
    assert page.input_value("#prompt textarea") == "a long text of my own"


def test_on_a_phone_the_form_is_found_and_the_tab_stands_in_the_address(open_page: Any) -> None:
    page = open_page(width=390, height=844, has_touch=True, is_mobile=True)
    page.fill("#prompt textarea", "typed with the thumb\n" * 12)
    box = page.locator("#prompt textarea").bounding_box()
    assert box["height"] > 150  # it grows with what is in it
    generate(page)
    page.evaluate("location.hash = 'gallery'")
    page.wait_for_function("document.body.dataset.tab === 'gallery'")
    assert not page.is_visible("#prompt")
    page.reload()
    page.wait_for_function("document.body.dataset.tab === 'gallery'")
    page.go_back()
    page.wait_for_function("document.body.dataset.tab === 'text-to-image'")
    page.wait_for_function("document.querySelector('#prompt textarea').value.startsWith('typed')")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
