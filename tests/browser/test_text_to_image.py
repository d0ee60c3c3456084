"""The main job, as an artist does it."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any

import torch

from pipelines.metadata import read_recipe
from tests import tiny
from tests.browser.conftest import Server

ENDED = "document.querySelector('#stop').disabled"


def prepare(page: Any, prompt: str, **numbers: str) -> None:
    page.fill("#prompt textarea", prompt)
    for field, value in numbers.items():
        page.fill(f"#{field} input >> nth=0", value)


def generate(page: Any) -> str:
    """Press the button, wait for the picture, return its id."""
    before = shown(page)
    page.click("#generate")
    page.wait_for_function(
        f"{ENDED} && document.querySelector('.stage .canvas').dataset.picture && "
        f"document.querySelector('.stage .canvas').dataset.picture !== '{before}'"
    )
    page.wait_for_selector(f".caption[data-picture='{shown(page)}'] dl")
    return shown(page)


def shown(page: Any) -> str:
    return page.get_attribute(".stage .canvas", "data-picture") or ""


def set_size(page: Any, width: int, height: int) -> None:
    page.fill("[aria-label='Width in pixels']", str(width))
    page.fill("[aria-label='Height in pixels']", str(height))


def size(page: Any) -> tuple[str, str]:
    return (
        page.input_value("[aria-label='Width in pixels']"),
        page.input_value("[aria-label='Height in pixels']"),
    )


def choose(page: Any, field: str, name: str) -> None:
    page.click(f"#{field} input")
    page.evaluate("new Promise(requestAnimationFrame)")  # by then its text is selected
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def test_a_prompt_becomes_a_picture_that_is_downloaded_with_its_recipe(
    open_page: Any, server: Server
) -> None:
    page = open_page()
    prepare(page, "a red house, a meadow", seed="7")
    picture = generate(page)
    with page.expect_download() as waiting:
        page.click("a.action:has-text('Download')")
    saved = waiting.value.path().read_bytes()
    assert saved == server.bytes(f"pictures/{picture}.png")
    recipe = read_recipe(saved)
    assert (recipe.prompt, recipe.seed) == ("a red house, a meadow", 7)
    assert page.inner_text(".caption .prompt") == "a red house, a meadow"


def test_control_and_enter_paints_what_has_just_been_typed(open_page: Any, server: Server) -> None:
    page = open_page()
    page.click("#prompt textarea")
    page.keyboard.type("a boat typed at once")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".stage[data-state=painting], .caption:has-text('typed at once')")
    page.wait_for_function(ENDED)
    assert server.job()["prompt"] == "a boat typed at once"


def test_progress_shows_the_picture_so_far_and_escape_stops_within_a_step(
    open_page: Any, server: Server
) -> None:
    page = open_page()
    prepare(page, "to be stopped", steps="150")
    set_size(page, 512, 512)
    page.click("#generate")
    page.wait_for_selector(".detail:has-text('step'):has-text('of 150')")
    page.wait_for_function("document.querySelector('.canvas.preview img')?.naturalWidth === 64")
    assert page.inner_text(".progress [role=status] >> nth=0") == "Painting"
    pressed = time.monotonic()
    page.keyboard.press("Escape")
    page.wait_for_function(ENDED)
    assert time.monotonic() - pressed < 5
    job = server.job()
    assert (job["state"], job["pictures"]) == ("cancelled", [])
    assert page.input_value("#prompt textarea") == "to be stopped"


def test_reused_settings_paint_the_same_bytes(open_page: Any, server: Server) -> None:
    page = open_page()
    prepare(page, "<b>bold</b> & مرحبا", steps="5", seed=str(2**64 - 1))
    choose(page, "sampler", "Euler a")
    set_size(page, 128, 64)
    first = generate(page)
    assert "18446744073709551615" in page.inner_text(".caption dl")

    page.reload()
    page.wait_for_selector(".caption dl")
    prepare(page, "something else", steps="9", seed="")
    set_size(page, 64, 64)
    page.click("text=Reuse settings")
    page.wait_for_function("document.querySelector('#seed input').value !== ''")
    assert page.input_value("#prompt textarea") == "<b>bold</b> & مرحبا"
    assert page.input_value("#seed input") == "18446744073709551615"
    assert page.input_value("#steps input >> nth=0") == "5"
    assert page.input_value("#sampler input").startswith("Euler a")
    assert size(page) == ("128", "64")
    again = generate(page)
    assert server.bytes(f"pictures/{again}.png")[:8] == b"\x89PNG\r\n\x1a\n"
    assert server.get(f"pictures/{again}/recipe") == server.get(f"pictures/{first}/recipe")


def test_only_the_seed_can_be_reused(open_page: Any) -> None:
    page = open_page()
    prepare(page, "one", seed="11")
    generate(page)
    prepare(page, "two", seed="")
    page.click("text=Reuse seed")
    page.wait_for_function("document.querySelector('#seed input').value === '11'")
    assert page.input_value("#prompt textarea") == "two"
    page.click("#seed-random")
    assert page.input_value("#seed input") == ""
    page.click("#seed-last")
    page.wait_for_function("document.querySelector('#seed input').value === '11'")


WRONG = (
    ("size", "[aria-label='Width in pixels']", "63", "63", "Use 64."),
    ("seed", "#seed input", "abc", "not a whole number", "leave it empty"),
    ("steps", "#steps input >> nth=0", "5000", "5000", "150"),
    ("sampler", "#sampler input", "Eulr a", "no sampler", "Did you mean 'Euler a'?"),
    ("prompt", "#prompt textarea", "x" * 20_000, "20,000 characters", "Shorten"),
)


def test_a_wrong_value_gets_a_sentence_and_a_cure_and_stays_as_typed(open_page: Any) -> None:
    page = open_page()
    prepare(page, "kept")
    for field, box, value, sentence, cure in WRONG:
        before = page.input_value(box)
        page.fill(box, value)
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(f"#{field}.wrong")
        told = page.inner_text(".notice")
        assert sentence in told
        assert cure in told
        assert page.input_value(box) == value
        page.click("[aria-label=Dismiss]")
        assert page.query_selector(".notice, .wrong") is None
        page.fill(box, before)
    assert page.input_value("#prompt textarea") == "kept"


def test_another_checkpoint_fills_in_what_the_artist_left_untouched(open_page: Any) -> None:
    page = open_page()
    assert page.input_value("#checkpoint input").startswith("tiny-sd1")
    page.fill("#guidance_scale input >> nth=0", "3")
    choose(page, "checkpoint", "tiny-sdxl")
    page.click("button:has-text('Advanced')")
    page.wait_for_selector("label:has-text('Crop left')")
    assert page.input_value("#guidance_scale input >> nth=0") == "3"
    prepare(page, "by the other model")
    generate(page)
    assert "tiny-sdxl" in page.inner_text(".caption dl")


def test_a_file_dropped_in_appears_in_the_list(open_page: Any, server: Server) -> None:
    page = open_page()
    source = server.models / "checkpoints" / "tiny-sd1.safetensors"
    shutil.copy2(source, source.with_name("dropped-in.safetensors"))
    page.click("#checkpoint input")
    page.wait_for_selector("#checkpoint [role=option]:has-text('dropped-in')")
    source.with_name("dropped-in.safetensors").rename(source.with_name("renamed.safetensors"))
    server.send("POST", "models/rescan")  # as another page would: this one has its list open
    page.wait_for_selector("#checkpoint [role=option]:has-text('renamed')")
    assert page.locator("#checkpoint [role=option]:has-text('dropped-in')").count() == 0
    source.with_name("renamed.safetensors").unlink()


def test_the_shapes_and_the_swap_set_the_size(open_page: Any) -> None:
    page = open_page()
    page.click(".shape[data-size='128x64']")
    assert size(page) == ("128", "64")
    page.click("[aria-label='Swap width and height']")
    assert size(page) == ("64", "128")
    assert page.get_attribute(".shape[data-size='128x64']", "aria-pressed") == "false"


def test_strip_and_full_view_leaf_with_the_arrow_keys_and_the_facts_follow(open_page: Any) -> None:
    page = open_page()
    prepare(page, "leaf one")
    older = generate(page)
    prepare(page, "leaf two")
    newer = generate(page)
    page.click(".stage .canvas")
    assert page.get_attribute("#lightbox", "data-picture") == newer
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#lightbox", "data-picture") == older
    page.keyboard.press("Escape")
    assert not page.is_visible("#lightbox")
    assert shown(page) == older
    page.wait_for_selector(".caption .prompt:has-text('leaf one')")
    page.click(".tile[aria-label='Picture: leaf one']")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".caption .prompt:has-text('leaf two')")


def test_names_and_prompts_are_only_ever_text(open_page: Any) -> None:
    page = open_page()
    hostile = (
        "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    )
    prepare(page, hostile)
    generate(page)
    assert page.inner_text(".caption .prompt") == hostile
    assert page.title() == "Gesso"


def test_a_job_that_fails_says_why_beside_the_prompt(open_page: Any, server: Server) -> None:
    doomed = server.models / "checkpoints" / "doomed.safetensors"
    tiny.save_single_file("sd1", doomed, torch.float16)
    os.utime(doomed, (time.time() - 60, time.time() - 60))
    page = open_page()
    choose(page, "checkpoint", "doomed")
    prepare(page, "no model any more")
    page.click("#prompt textarea")
    doomed.unlink()
    page.click("#generate")
    card = page.wait_for_selector(".notice")
    assert "doomed" in card.inner_text()
    assert page.input_value("#prompt textarea") == "no model any more"


def test_escape_closes_an_open_list_and_stops_nothing(open_page: Any, server: Server) -> None:
    page = open_page()
    prepare(page, "goes on", steps="40")
    set_size(page, 256, 256)
    page.click("#generate")
    page.wait_for_selector(".detail:has-text('step')")
    page.click("#sampler input")
    page.keyboard.press("Escape")
    page.wait_for_function(ENDED)
    assert server.job()["state"] == "done"
