"""The gallery: found, looked at, marked, compared, deleted and had back, by hand and by keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Server
from tests.pictures import png, put

IDS = [f"2001010{1 + k // 10}-1200{k:02}-001-{k}" for k in range(30)]
NEWEST, SECOND, OLDEST = IDS[-1], IDS[-2], IDS[0]


@pytest.fixture
def pictures(server: Server) -> Iterator[Path]:
    """Thirty old pictures over three days, dropped into the folder by hand."""
    outputs = server.outputs
    for k, picture in enumerate(IDS):
        put(outputs, picture, png(f"quince number {k}" if k % 2 else "<b>medlar</b> & <i>", k))
    yield outputs
    for picture in IDS:
        for file in outputs.rglob(f"{picture}.png"):
            file.unlink()


def gallery(open_page: Any, **look: Any) -> Any:
    """The page with the gallery open, and only the pictures of this file in it."""
    page = open_page(**look)
    page.get_by_role("tab", name="Gallery").click()
    page.wait_for_selector("#gallery .shot img.here")
    return page


def search(page: Any, text: str, count: int) -> None:
    page.fill("#gallery .search input", text)
    page.wait_for_selector(f"#gallery .count:text-is('{count} picture{'s' * (count != 1)}')")


def shown(page: Any) -> list[str]:
    """The ids in the grid, in order."""
    return page.eval_on_selector_all(
        "#gallery .cell",
        "cells => cells.map(c => [+c.dataset.index, c.dataset.id]).sort((a, b) => a[0] - b[0])"
        ".map(([, id]) => id)",
    )


def test_pictures_are_searched_by_word_seed_and_favourite(open_page: Any, pictures: Path) -> None:
    page = gallery(open_page)
    search(page, "quin", 15)
    assert shown(page)[0] == NEWEST
    search(page, "seed: 12", 1)
    assert shown(page) == [IDS[12]]
    assert page.get_attribute("#gallery .shot", "aria-label") == "Picture: <b>medlar</b> & <i>"
    page.hover("#gallery .cell")
    page.click("#gallery .cell .star")
    page.wait_for_selector("#gallery .cell .star[aria-pressed=true]")
    search(page, "medlar", 15)
    page.click("#gallery .toggle.star")
    page.wait_for_selector("#gallery .count:text-is('1 picture')")
    search(page, "no such thing", 0)
    page.click("text=Show all pictures")
    page.wait_for_selector("#gallery[data-state=pictures]")


def test_the_keyboard_alone_opens_marks_deletes_and_undoes(
    open_page: Any, pictures: Path, server: Server
) -> None:
    page = gallery(open_page)
    search(page, "quince", 15)
    page.focus("#gallery .shot[tabindex='0']")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#lightbox[data-picture='{NEWEST}'] .details dl")
    page.keyboard.press("f")
    page.wait_for_selector("#lightbox .star[aria-pressed=true]")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"#lightbox[data-picture='{IDS[-3]}']")
    page.keyboard.press("Delete")
    page.wait_for_selector("#undo")
    page.wait_for_selector(f"#lightbox[data-picture='{IDS[-5]}']")
    page.keyboard.press("Escape")
    page.wait_for_selector("#gallery .count:text-is('14 pictures')")
    assert IDS[-3] not in shown(page)
    assert (pictures / ".trash").is_dir()
    page.focus("#gallery .shot[tabindex='0']")
    page.keyboard.press("Control+z")
    page.wait_for_selector("#gallery .count:text-is('15 pictures')")
    assert server.get(f"pictures/{IDS[-3]}")["info"]["seed"] == 27


def test_two_are_selected_and_compared_with_a_slider(open_page: Any, pictures: Path) -> None:
    page = gallery(open_page)
    search(page, "quince", 15)
    page.focus("#gallery .shot[tabindex='0']")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector("#gallery .chosen .number:text-is('2 selected')")
    page.keyboard.press("c")
    page.wait_for_selector("#compare table")
    assert "quince number 29" in page.inner_text("#compare tbody")
    before = page.eval_on_selector("#compare .frame", "e => e.style.getPropertyValue('--split')")
    page.keyboard.press("ArrowLeft")
    after = page.eval_on_selector("#compare .frame", "e => e.style.getPropertyValue('--split')")
    assert (before, after) == ("50%", "49%")
    page.keyboard.press("Escape")
    page.wait_for_selector("#compare", state="detached")
    page.keyboard.press("Escape")
    page.wait_for_selector("#gallery .chosen", state="hidden")


def test_what_is_dropped_into_the_folder_or_taken_from_it_is_noticed(
    open_page: Any, pictures: Path
) -> None:
    page = gallery(open_page)
    search(page, "quince", 15)
    put(pictures, "20001231-120000-001-77", png("quince by hand", 77))
    page.get_by_role("tab", name="Text to image").click()
    page.get_by_role("tab", name="Gallery").click()
    page.wait_for_selector("#gallery .count:text-is('16 pictures')")
    search(page, "quince by", 1)
    next(pictures.rglob("20001231-120000-001-77.png")).unlink()
    search(page, "quince by h", 0)


def test_a_phone_shows_columns_and_leafs_with_a_finger(open_page: Any, pictures: Path) -> None:
    page = gallery(open_page, width=390, height=844, has_touch=True, is_mobile=True)
    search(page, "quince", 15)
    columns = page.eval_on_selector("#gallery .grid", "e => e.getAttribute('aria-colcount')")
    assert columns in ("2", "3")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.tap("#gallery .shot >> nth=0")
    page.wait_for_selector(f"#lightbox[data-picture='{NEWEST}']")
    assert not page.is_visible("#lightbox .details")
    page.tap("#lightbox .tell")
    page.wait_for_selector("#lightbox .details dl")


def test_the_strip_goes_on_into_the_past_and_reuse_fills_the_form(
    open_page: Any, pictures: Path
) -> None:
    page = open_page()
    page.wait_for_selector(".strip .tile")
    page.wait_for_function(
        """(oldest) => {
            const strip = document.querySelector(".strip");
            strip.scrollLeft = strip.scrollWidth;
            return document.querySelector(`.strip .tile img[src*="${oldest}"]`);
        }""",
        arg=OLDEST,
    )
    assert page.eval_on_selector_all(".strip .tile", "tiles => tiles.length") < 40
    page.get_by_role("tab", name="Gallery").click()
    search(page, "seed: 21", 1)
    page.click("#gallery .shot")
    page.click("#lightbox .details >> text=Reuse settings")
    page.wait_for_function(
        "document.querySelector('#prompt textarea').value === 'quince number 21'"
    )
    assert page.is_visible("#prompt textarea")


def test_a_deleted_picture_stays_away_after_a_reload(open_page: Any, server: Server) -> None:
    page = open_page()
    page.fill("#prompt textarea", "soon gone")
    page.fill("#steps input >> nth=0", "2")
    page.click("#generate")
    page.wait_for_selector(".caption .prompt:has-text('soon gone')")
    page.click(".stage .canvas")
    page.keyboard.press("Delete")
    page.wait_for_selector("#undo")
    page.keyboard.press("Escape")
    page.wait_for_selector(".caption .prompt:has-text('soon gone')", state="detached")
    page.reload()
    page.wait_for_selector("body[data-workspace=found]")
    page.wait_for_selector(".engine[data-state=ready]")  # told by the same snapshot as the jobs
    assert page.locator("[aria-label='Picture: soon gone']").count() == 0
