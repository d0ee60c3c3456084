"""Settings are saved under a name and had back with one click."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser.conftest import Server
from tests.browser.test_text_to_image import choose, prepare, set_size, size

NAME = "Ink <b>16/9</b>"
LIST = "#presets-list:popover-open"


@pytest.fixture(autouse=True)
def none_left(server: Server) -> Iterator[None]:
    yield
    for name in (NAME, "Gone"):
        try:
            server.send("DELETE", f"presets/{quote(name, safe='')}")
        except urllib.error.HTTPError as answer:
            assert answer.code == 404


def names(server: Server) -> list[str]:
    return [preset["name"] for preset in server.get("presets")]


def opened(page: Any) -> None:
    page.get_by_role("button", name="Presets").click()
    page.wait_for_selector(f"{LIST} .save")
    page.wait_for_function("document.activeElement.matches('.entry')")


def save(page: Any) -> None:
    opened(page)
    page.click(f"{LIST} .save")
    page.wait_for_selector("#presets-save[open]")
    page.keyboard.type(NAME)
    page.keyboard.press("Enter")


def delete(page: Any, server: Server) -> None:
    """Delete it, have it back, delete it."""
    for again in (True, False):
        opened(page)
        page.get_by_role("button", name=f"Delete {NAME}").click()
        page.wait_for_selector("#undo")
        assert NAME not in names(server)
        if again:
            with page.expect_response(lambda answer: answer.request.method == "PUT"):
                page.click("#undo button")
            assert NAME in names(server)


def test_settings_are_saved_chosen_again_undone_and_deleted(open_page: Any, server: Server) -> None:
    page = open_page()
    below = page.locator("#generate").bounding_box()
    prepare(page, "of the preset", steps="9", seed="5")
    choose(page, "sampler", "Euler a")
    choose(page, "schedule", "Automatic")
    set_size(page, 128, 64)
    save(page)
    page.wait_for_selector("#undo")
    assert page.query_selector("#presets-save") is None
    (kept,) = [one["values"] for one in server.get("presets") if one["name"] == NAME]
    assert not {"prompt", "negative_prompt", "seed"} & kept.keys()
    assert (kept["steps"], kept["schedule"], kept["count"]) == (9, "Automatic", 1)

    prepare(page, "another one", steps="3", seed="6")
    choose(page, "sampler", "UniPC")
    choose(page, "schedule", "Karras")
    set_size(page, 64, 64)
    save(page)  # the name is taken
    assert NAME in page.wait_for_selector("#presets-save .told:not(:empty)").inner_text()
    assert page.inner_text("#presets-save [type=submit]") == "Replace"
    page.keyboard.press("Escape")
    assert server.get(f"presets/{quote(NAME, safe='')}")["values"] == kept
    page.reload()
    page.wait_for_selector("body[data-workspace=found]")
    page.wait_for_function("document.querySelector('#steps input').value === '3'")

    opened(page)
    entry = page.locator(f"{LIST} li", has_text=NAME)
    assert "Euler a · 9 steps · 128 \u00d7 64 · tiny-sd1" in entry.inner_text()
    while NAME not in page.evaluate("document.activeElement.innerText"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    card = page.wait_for_selector(".notice[role=status]")
    assert card.query_selector("strong").inner_text() == f"Settings of the preset {NAME}."
    page.wait_for_function("document.querySelector('#steps input').value === '9'")
    page.wait_for_function("document.querySelector('#schedule input').value === 'Automatic'")
    assert page.input_value("#sampler input").startswith("Euler a")
    assert size(page) == ("128", "64")
    assert page.input_value("#prompt textarea") == "another one"
    assert page.input_value("#seed input") == "6"
    page.click(".notice .undo")
    page.wait_for_function("document.querySelector('#steps input').value === '3'")
    assert page.input_value("#sampler input").startswith("UniPC")
    assert page.input_value("#schedule input") == "Karras"
    assert size(page) == ("64", "64")
    assert page.locator("#generate").bounding_box() == below
    delete(page, server)
    assert page.title() == "Gesso"


def test_what_a_preset_names_and_is_gone_is_told(open_page: Any, server: Server) -> None:
    server.send("PUT", "presets/Gone", {"sampler": "Long gone", "steps": 7})
    page = open_page(width=390, height=844, has_touch=True, is_mobile=True)
    opened(page)
    box = page.locator(LIST).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.tap(f"{LIST} li:has-text('Gone') .entry")
    assert "Long gone" in page.wait_for_selector(".notice li").inner_text()
    page.wait_for_function("document.querySelector('#steps input').value === '7'")
    assert page.input_value("#sampler input") == "Euler"
    opened(page)
    page.tap(f"{LIST} .save")
    page.wait_for_selector("#presets-save[open]")
    page.fill("#presets-save input[type=text]", json.dumps("..\\"))
    for box in page.query_selector_all("#presets-save :checked"):
        box.tap()
    page.tap("#presets-save [type=submit]")
    told = page.wait_for_selector("#presets-save .told:not(:empty)").inner_text()
    assert "holds no setting" in told
    page.tap("#presets-save label:has-text('Steps')")
    page.tap("#presets-save [type=submit]")
    page.wait_for_selector("#presets-save .told:has-text('cannot be called')")
    width = page.evaluate("document.querySelector('#presets-save').getBoundingClientRect().right")
    assert width <= 390
