"""The first page: the starter, a folder of one's own, and the folders of other studios."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.ui.examples import examples
from tests.browser.conftest import Server

HOSTILE = "<img src=x onerror=document.title='owned'>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A studio that knows only its empty drop folder, in a home where others live, too."""
    from tests import tiny

    home = tmp_path_factory.mktemp("first run")
    models, presets = tiny.install(home / "elsewhere", ("sd1", "sdxl"))
    comfy = home / "ComfyUI"
    (comfy / "models").mkdir(parents=True)
    (comfy / "folder_paths.py").touch()
    models.joinpath("checkpoints").rename(comfy / "models" / "checkpoints")
    forge = home / "Documents" / HOSTILE
    (forge / "models" / "Stable-diffusion").mkdir(parents=True)
    (forge / "modules_forge").mkdir()
    for file in comfy.rglob("*.safetensors"):
        os.utime(file, (time.time() - 60, time.time() - 60))
    (home / "data").mkdir()
    mine = f'# My own words.\nmodels = ["{home / "my models"}"]\n'
    (home / "data" / "settings.toml").write_text(mine)
    (home / "my models" / "checkpoints").mkdir(parents=True)
    running = Server(home, None, presets, HOME=str(home))
    yield running
    running.stop()


def _settings(server: Server) -> str:
    return (Path(server._environment["HOME"]) / "data" / "settings.toml").read_text()


def _choices(page: Any) -> Any:
    """What the list of checkpoints offers, opened anew."""
    page.keyboard.press("Escape")
    page.locator("#checkpoint input").blur()
    page.click("#checkpoint input")
    return page.locator("#checkpoint [role=option]")


def test_the_first_page_offers_the_starter_a_folder_and_other_studios(open_page) -> None:
    page = open_page()
    page.wait_for_selector("#first-run .way.starter")
    assert "my models" in page.text_content("#first-run .path code")
    page.wait_for_selector("#first-run .others li >> nth=1")

    found = page.locator("#first-run .others li").all_text_contents()
    assert any("ComfyUI" in text and "2 checkpoints" in text for text in found)
    assert any("Forge" in text and HOSTILE in text for text in found)
    assert page.title() == "Gesso"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_picture_of_the_starter_shows_what_to_ask_for_and_fills_the_prompt(open_page) -> None:
    page = open_page()
    samples = page.locator(".welcome .sample")
    assert samples.count() == len(examples())
    for number, example in enumerate(examples()):
        samples.nth(number).click()
        assert page.input_value("#prompt textarea") == example["prompt"]
    painted = samples.locator("img").evaluate_all("shown => shown.map((one) => one.naturalWidth)")
    assert set(painted) == {256}


def test_an_adopted_folder_fills_the_list_and_is_kept_in_the_settings(open_page, server) -> None:
    page = open_page()
    assert _choices(page).count() == 1
    page.click("#first-run .others li:has-text('ComfyUI') .adopt")
    page.wait_for_selector("#first-run .own li:has-text('2 checkpoints')")

    _choices(page).filter(has_text="Tiny sd1").wait_for()
    assert "# My own words." in _settings(server)
    assert "ComfyUI" in _settings(server)
    page.reload()
    page.wait_for_selector(".engine[data-state=ready]")
    page.wait_for_selector("#first-run", state="attached")
    assert not page.is_visible("#first-run")


def test_a_folder_is_taken_out_again_in_german_on_a_phone(open_page, server) -> None:
    page = open_page(width=390, height=844, locale="de-DE")
    page.click(".masthead button[popovertarget=menu]")
    page.click("#menu >> text=Woher die Modelle kommen")
    page.click("#folders-dialog .own li:has-text('ComfyUI') button")
    page.wait_for_selector("#folders-dialog .others li:has-text('ComfyUI') .adopt")

    assert "ComfyUI" not in _settings(server)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [m["name"] for m in server.get("models?role=checkpoint")["models"]] == ["starter"]
