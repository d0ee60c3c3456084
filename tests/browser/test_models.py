"""LoRAs below the prompts, and every model file in a tab of its own."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.conftest import Server
from tests.pictures import put
from tests.pipelines.library.files import f16, head, lora, write

WIDTH = 32
"""Of the text that the tiny SD 1 reads; no LoRA of it goes with the tiny SDXL."""

NAMES = ("charcoal", "gouache", "ink wash")
PICTURE = "20261120-120000-1"


@pytest.fixture(scope="module", autouse=True)
def files(server: Server) -> Iterator[None]:
    """LoRAs in the models folder, one of another family, one that is cut off."""
    assert server.models is not None
    folder = server.models / "loras"
    for rank, name in enumerate(NAMES, 4):
        write(folder / f"{name}.safetensors", lora(WIDTH, rank))
    note = {"activation text": "ink style, soft light", "preferred weight": 0.8}
    (folder / "ink wash.json").write_text(json.dumps(note))
    os.utime(folder / "ink wash.json", (time.time() - 60,) * 2)
    write(folder / "cathedral.safetensors", lora(2048))
    write(folder / "cut.safetensors", lora(WIDTH), missing=4)
    put(server.outputs, PICTURE)
    server.send("POST", "models/rescan")
    while server.get("models/scan")["scanning"] or server.get("models?role=lora")["total"] < 5:
        time.sleep(0.1)
    yield
    for file in folder.iterdir():
        file.unlink()
    server.send("POST", "models/rescan")


def prompt(page: Any) -> str:
    return page.input_value("#prompt textarea")


def says(page: Any, text: str) -> None:
    """Wait until the prompt is this."""
    page.wait_for_function(
        "(text) => document.querySelector('#prompt textarea').value === text", arg=text
    )


def opened(open_page: Callable[..., Any], **look: Any) -> Any:
    page = open_page(**look)
    page.click("#shelf .head")
    page.wait_for_selector("#shelf .cards .model:has-text('gouache')")
    return page


def to_models(page: Any) -> None:
    page.evaluate("location.hash = 'models'")
    page.wait_for_selector("#models-view[data-state=files]")


def come_back(page: Any) -> None:
    page.wait_for_timeout(3100)  # the folders may have been looked into just now
    page.evaluate("dispatchEvent(new Event('focus'))")


def test_cards_sliders_and_words_write_the_prompt(open_page: Any) -> None:
    page = opened(open_page)
    page.fill("#prompt textarea", "a house")
    page.click("#shelf .model:has-text('ink wash')")
    says(page, "a house <lora:ink wash:0.8>")
    page.wait_for_selector("#shelf .model:has-text('ink wash')[aria-pressed=true]")
    slider = page.get_by_role("slider", name="ink wash: Weight")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    says(page, "a house <lora:ink wash:0.9>")
    page.click("#shelf .word:has-text('ink style')")
    says(page, "a house, ink style <lora:ink wash:0.9>")
    page.click("#shelf .apart")
    text = page.get_by_role("spinbutton", name="ink wash: Text")
    text.fill("0.25")
    text.press("Enter")
    says(page, "a house, ink style <lora:ink wash:0.25:0.9>")
    page.click("#shelf .word:has-text('ink style')")
    page.click("#shelf .model:has-text('gouache')")
    says(page, "a house <lora:ink wash:0.25:0.9> <lora:gouache:1>")
    page.get_by_role("button", name="Remove ink wash from the prompt").click()
    says(page, "a house <lora:gouache:1>")
    assert page.inner_text("#shelf .head .number") == "1"


def test_what_is_typed_moves_the_sliders_and_what_is_unknown_is_told(open_page: Any) -> None:
    page = opened(open_page)
    page.fill("#prompt textarea", "<lora:ink wash:1.35> <lora:gouash:0.5>")
    slider = page.get_by_role("slider", name="ink wash: Weight")
    slider.wait_for()
    assert slider.input_value() == "1.35"
    page.type("#prompt textarea", " <lora:cathedral:1>")
    wrong = page.locator("#shelf .used li", has_text="cathedral")
    wrong.locator(".why").wait_for()
    assert "this checkpoint is Tiny sd1" in wrong.inner_text()
    page.click("#shelf .used button:has-text('Use gouache')")
    says(page, "<lora:ink wash:1.35> <lora:gouache:0.5> <lora:cathedral:1>")
    page.click("#shelf .head")
    chips = page.locator("#shelf .chips .chip")
    assert chips.all_inner_texts() == ["ink wash\n1.35", "gouache\n0.5", "cathedral\n1"]
    assert "misfit" in (chips.nth(2).get_attribute("class") or "")


def test_what_does_not_fit_stands_last_and_says_why(open_page: Any) -> None:
    page = opened(open_page)
    cards = page.locator("#shelf .cards .model .name").all_inner_texts()
    assert sorted(cards[:3]) == sorted(NAMES)
    assert sorted(cards[3:]) == ["cathedral", "cut"]
    page.focus("#shelf .model:has-text('cathedral')")
    page.keyboard.press("Enter")
    assert "Made for" in page.inner_text("#shelf .reason")
    assert prompt(page) == ""
    page.fill("#shelf input[type=search]", "soft")
    page.wait_for_function("document.querySelectorAll('#shelf .cards .model').length === 1")
    page.click("#shelf label:has-text('Embeddings')")
    page.wait_for_selector("#shelf .none p")


def test_the_tab_shows_every_file_its_trouble_first(open_page: Any, server: Server) -> None:
    page = open_page()
    to_models(page)
    first = page.locator("#models-view .model").first
    assert "cut" in first.inner_text() and "incomplete" in first.inner_text()
    first.click()
    page.wait_for_selector("#models-view .details .problem")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.model')")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#models-view .details textarea")
    assert page.locator("#models-view [aria-expanded=true]").count() == 1
    page.select_option("[aria-label=Kind]", "lora")
    page.fill("#models-view input[type=search]", "gouache")
    page.wait_for_function("document.querySelectorAll('#models-view .model').length === 1")
    page.click("#models-view .model")
    page.wait_for_selector(".details h2:has-text('gouache')")
    page.fill(".details textarea", "For skies.")
    page.wait_for_selector(".details .kept:has-text('Kept')")
    page.click(".details button:has-text('Choose a picture')")
    page.click("#choose-picture .pictures button")
    page.wait_for_selector(".details .preview img.here")
    page.click(".details button:has-text('Remove the picture')")
    page.wait_for_selector(".details .preview:not(:has(img))")
    [row] = server.get("models?role=lora&text=skies")["models"]
    assert (row["name"], row["notes"], row["preview"]) == ("gouache", "For skies.", False)


def test_a_file_that_is_dropped_meanwhile_appears_when_the_artist_is_back(
    open_page: Any, server: Server
) -> None:
    assert server.models is not None
    page = open_page()
    to_models(page)
    woodcut = page.locator("#models-view .model:has-text('woodcut')")
    with (server.models / "loras" / "woodcut.safetensors").open("wb") as file:
        start, rest = head(lora(WIDTH, 12))
        file.write(start)
        file.flush()
        come_back(page)
        woodcut.locator(".why").wait_for()  # still being copied, or incomplete by now
        file.write(bytes(rest))
    come_back(page)
    woodcut.locator(".kind:has-text('LoRA')").wait_for()


def test_the_last_of_many_files_has_the_focus_when_it_comes(open_page: Any, server: Server) -> None:
    assert server.models is not None
    for k in range(140):
        write(server.models / "loras" / "many" / f"style-{k:03}.safetensors", lora(WIDTH, 4))
    server.send("POST", "models/rescan")
    while server.get("models?text=many")["total"] < 140:
        time.sleep(0.1)
    page = open_page()
    to_models(page)
    page.select_option("[aria-label=Kind]", "lora")
    total = server.get("models?role=lora")["total"]  # fewer than all, which are listed until then
    page.wait_for_function(
        "(total) => parseInt(document.querySelector('.count').textContent) === total", arg=total
    )
    page.focus("#models-view .model[tabindex='0']")
    page.keyboard.press("End")
    page.wait_for_function("document.activeElement.matches('.model:not(.coming)')")
    page.keyboard.press("ArrowLeft")
    last = page.evaluate("Number(document.activeElement.closest('[data-index]').dataset.index)")
    assert last == total - 2
    shutil.rmtree(server.models / "loras" / "many")
    server.send("POST", "models/rescan")


def test_a_file_is_used_from_the_tab(open_page: Any) -> None:
    page = open_page()
    to_models(page)
    page.click("#models-view .model:has-text('ink wash')")
    page.click("#models-view .use")
    says(page, "<lora:ink wash:0.8>")
    page.wait_for_selector("#shelf .chips:has-text('ink wash')")
    to_models(page)
    page.click("#models-view .model:has-text('tiny-sdxl')")
    page.click("#models-view .use")
    page.wait_for_selector(".notice:has-text('tiny-sdxl is used now.')")
    page.wait_for_function("document.querySelector('#checkpoint input').value.includes('sdxl')")
    page.wait_for_selector("#shelf .chip.misfit")  # it was made for the other one
    page.click(".notice .undo")
    page.wait_for_function("document.querySelector('#checkpoint input').value.includes('sd1')")
    assert prompt(page) == "<lora:ink wash:0.8>"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_a_refusal_is_seen_while_the_shelf_is_open(open_page: Any, width: int, height: int) -> None:
    page = opened(open_page, width=width, height=height)
    page.fill("#prompt textarea", "<lora:gouache:1> <lora:cathedral:1> <lora:charcoal:much>")
    page.wait_for_function("document.querySelectorAll('#shelf .used .misfit').length === 2")
    page.click("#generate")
    page.wait_for_selector("#prompt.wrong")
    box = page.locator(".notice").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= page.locator("#actions").bounding_box()["y"]
    assert page.locator("#shelf .used .misfit").count() == 2  # they are what is wrong still


def test_a_card_that_is_ticked_takes_its_word_out_of_either_prompt(
    open_page: Any, server: Server
) -> None:
    assert server.models is not None
    file = server.models / "embeddings" / "muddy.safetensors"
    write(file, {"emb_params": f16(2, WIDTH)})
    server.send("POST", "models/rescan")
    page = opened(open_page)
    page.fill("#negative_prompt textarea", "blurred, muddy")
    page.click("#shelf label:has-text('Embeddings')")
    card = "#shelf .cards .model:has-text('muddy')"
    page.wait_for_selector(f"{card}[aria-pressed=true]")
    page.click(card)
    page.wait_for_selector(f"{card}[aria-pressed=false]")
    assert page.input_value("#negative_prompt textarea") == "blurred"
    assert prompt(page) == ""
    page.click(card)
    says(page, "muddy")
    file.unlink()


def test_it_fits_a_phone(open_page: Any) -> None:
    page = opened(open_page, width=390, height=844, color_scheme="dark", locale="de-DE")
    page.fill("#prompt textarea", "<lora:ink wash:0.5:1>")
    page.wait_for_selector("#shelf .used .word")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    to_models(page)
    page.click("#models-view .model:has-text('ink wash')")
    page.wait_for_selector("#models-view .details textarea")
    box = page.locator("#models-view .details").bounding_box()
    assert (box["x"], box["y"], box["width"]) == (0, 0, 390)
    assert page.get_by_role("button", name="In den Prompt setzen").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_selector("#models-view .details", state="hidden")
