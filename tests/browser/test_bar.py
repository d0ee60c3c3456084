"""The model bar: which models paint, and what of them is in memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from tests.browser.conftest import Server
from tests.browser.test_look_accessibility import axe, findings  # noqa: F401
from tests.browser.test_text_to_image import choose, generate, prepare

PREFIX = "first_stage_model."
DISABLED = "#vae-list [aria-disabled=true]"
OWN = "#vae-list [data-value=None]"


@pytest.fixture(scope="module", autouse=True)
def vaes(server: Server) -> Iterator[None]:
    """A VAE file for each of the two checkpoints."""
    files = []
    for name in ("sd1", "sdxl"):
        tensors = load_file(server.models / "checkpoints" / f"tiny-{name}.safetensors")
        own = {key.removeprefix(PREFIX): t for key, t in tensors.items() if key.startswith(PREFIX)}
        file = server.models / "vae" / f"{name}-soft.safetensors"
        file.parent.mkdir(exist_ok=True)
        save_file(own, file)
        os.utime(file, (time.time() - 60, time.time() - 60))
        files.append(file)
    server.send("POST", "models/rescan")
    yield
    for file in files:
        file.unlink()


def recipe(server: Server, picture: str) -> dict[str, Any]:
    return server.get(f"pictures/{picture}/recipe")


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_vae_is_chosen_by_keyboard_and_one_that_does_not_fit_says_why(
    open_page: Any, server: Server
) -> None:
    page = open_page()
    page.focus("#vae button")
    press(page, "Enter")
    page.wait_for_selector(f"{DISABLED}:has-text('sdxl-soft'):has-text('Made for SDXL')")
    press(page, "End", "Enter")  # what does not fit is read out, but not taken
    assert page.get_attribute("#vae button", "aria-expanded") == "true"
    assert page.get_attribute("#vae button", "aria-activedescendant") == page.get_attribute(
        DISABLED, "id"
    )
    press(page, "s", "Enter")
    page.wait_for_selector("#vae-list", state="hidden")
    assert page.inner_text("#vae button") == "sd1-soft"
    page.fill("#clip_skip input", "2")
    prepare(page, "a softer house", seed="3")
    made = recipe(server, generate(page))
    assert (made["vae"]["name"], made["clip_skip"]) == ("sd1-soft", 2)

    page.reload()
    page.wait_for_selector("#vae button:has-text('sd1-soft')")
    choose(page, "checkpoint", "tiny-sdxl")
    page.wait_for_selector("#vae .why:has-text('Made for SD 1')")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#vae.wrong")
    assert "sd1-soft does not go with tiny-sdxl" in page.inner_text(".notice")


def test_reused_settings_bring_back_vae_and_clip_skip(open_page: Any, server: Server) -> None:
    page = open_page()
    page.click("#vae button")
    page.click("#vae-list >> text=sd1-soft")
    page.fill("#clip_skip input", "3")
    prepare(page, "kept with all it needs", seed="4")
    first = generate(page)
    page.click("#vae button")
    page.click(OWN)
    page.fill("#clip_skip input", "1")
    page.click("text=Reuse settings")
    page.wait_for_selector("#vae button:has-text('sd1-soft')")
    assert page.input_value("#clip_skip input") == "3"
    page.click(".notice .undo")
    page.wait_for_selector("#vae button:has-text('own')")
    assert page.input_value("#clip_skip input") == "1"
    page.click("text=Reuse settings")
    page.wait_for_selector("#vae button:has-text('sd1-soft')")
    assert recipe(server, generate(page)) == recipe(server, first)


def test_what_is_loaded_is_told_in_bytes_and_freed_with_one_press(
    open_page: Any, server: Server
) -> None:
    page = open_page()
    prepare(page, "in memory")
    generate(page)
    page.wait_for_selector("#memory .line:has-text('MB')")
    page.click("#memory .line")
    page.wait_for_selector("#memory-list li:has-text('tiny-sd1'):has-text('MB')")
    page.keyboard.press("Escape")
    page.hover("#memory-free")
    page.wait_for_selector("#memory-free-help", state="visible")
    page.click("#memory-free")
    page.wait_for_selector("#memory .line:has-text('No model loaded')")
    assert page.inner_text("#memory [role=status]") == "Memory is free"
    assert server.get("engine")["state"] == "free"
    assert page.is_disabled("#memory-free")
    generate(page)
    page.wait_for_selector("#memory .line:has-text('MB')")


def test_on_a_phone_the_bar_is_one_line_that_opens(open_page: Any) -> None:
    page = open_page(width=390, height=844, locale="de-DE", has_touch=True, is_mobile=True)
    line = page.locator("#model-fold button")
    assert page.locator("#model").bounding_box()["height"] < 60
    assert line.inner_text().startswith("tiny-sd1")
    assert not page.is_visible("#vae button")
    line.tap()
    for part in ("#checkpoint input", "#vae button", "#clip_skip input", "#memory-free"):
        assert page.is_visible(part)
    assert line.get_attribute("aria-expanded") == "true"
    page.tap("#vae button")
    page.tap(OWN)
    page.wait_for_selector("#vae button:has-text('Das im Checkpoint')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.reload()
    page.wait_for_selector("#vae button:has-text('Das im Checkpoint')")  # as it was left: open
    line.tap()
    page.wait_for_selector("#vae button", state="hidden")


@pytest.mark.parametrize(("width", "look"), [(1440, "light"), (390, "dark")])
def test_everybody_can_use_the_bar(open_page: Any, axe: str, width: int, look: str) -> None:  # noqa: F811
    page = open_page(width=width, height=844, color_scheme=look)
    page.evaluate(axe)
    if width < 1000:
        page.click("#model-fold button")
    page.click("#vae button")
    page.wait_for_selector(DISABLED)
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.click("#memory .line")
    page.wait_for_selector("#memory-list dl div")
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.focus("#memory-free")
    page.wait_for_selector("#memory-free-help", state="visible")
    assert findings(page) == []
