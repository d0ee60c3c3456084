"""The page speaks the artist's language."""

from __future__ import annotations

from typing import Any

from app.ui.language import words

ENGLISH, GERMAN = words("en"), words("de")
SAME = set(GERMAN.values())

TEXTS = """() => {
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (!node.parentElement.closest("script, style, template")) texts.push(node.data.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
    for (const name of ["aria-label", "title", "placeholder"]) {
      texts.push((element.getAttribute(name) ?? "").trim());
    }
  }
  return texts.filter(Boolean);
}"""


def open_everything(page: Any, generate: str) -> None:
    page.wait_for_selector(f"#generate:has-text('{generate}')")
    page.fill("#prompt textarea", "a red house")
    page.click("#studio .label-wrap")
    page.wait_for_selector("#clip_skip input")
    page.click("#schedule input")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    page.wait_for_selector("#shortcuts[open]")


def test_a_page_in_german_shows_nothing_in_english(open_page: Any) -> None:
    page = open_page(locale="de-DE")
    open_everything(page, "Generieren")
    assert page.evaluate("document.documentElement.lang") == "de"
    english = {text for text in ENGLISH.values() if "{" not in text} - SAME
    assert english & set(page.evaluate(TEXTS)) == set()


def test_a_translated_choice_is_still_the_choice(open_page: Any) -> None:
    page = open_page(locale="de-DE")
    page.click("#schedule input")
    page.click("#schedule [role=option] >> text=Automatisch")
    page.focus("#schedule input")
    page.keyboard.press("Tab")
    assert page.input_value("#schedule input") == "Automatisch"
    page.fill("#prompt textarea", "a red house")
    page.click("#generate")
    page.wait_for_selector(".stage[data-state=picture]")
    assert "Automatisch" not in page.inner_text(".caption dl")
    assert page.input_value("#schedule input") == "Automatisch"


def test_the_artists_choice_of_language_wins_over_the_browsers(open_page: Any) -> None:
    page = open_page(locale="de-DE")
    page.click("[aria-label=Menü]")
    with page.expect_navigation():
        page.click("#menu >> text=English")
    page.wait_for_selector(".engine[data-state=ready]")
    open_everything(page, "Generate")
    german = {text for text in GERMAN.values() if "{" not in text} - set(ENGLISH.values())
    assert german & (set(page.evaluate(TEXTS)) - {"Deutsch"}) == set()
