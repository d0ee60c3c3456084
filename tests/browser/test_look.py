"""How the page stands at three widths, in the light and in the dark."""

from __future__ import annotations

from typing import Any

import pytest

CONTRAST = """(selector) => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const opaque = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const element = document.querySelector(selector);
  const pair = [light(parse(getComputedStyle(element).color)), light(opaque(element))];
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
}"""

TEXTS = (
    "h1",
    ".engine",
    "#generate",
    "#tasks [role=tab]",
    "#prompt [data-testid=block-info]",
    "#prompt textarea",
    "#sampler .info-text",
    ".shape[aria-pressed=true]",
    ".shape[aria-pressed=false]",
    "#seed-random",
)


COVERED = """() => {
  const covered = [];
  for (let y = 0; y <= document.documentElement.scrollHeight; y += 40) {
    scrollTo(0, y);
    const box = document.querySelector("#generate").getBoundingClientRect();
    for (let x = box.left + 8; x < box.right - 8; x += 8) {
      const top = document.elementFromPoint(x, box.top + box.height / 2);
      if (!top?.closest("#generate")) covered.push([y, x]);
    }
  }
  scrollTo(0, 0);
  return covered;
}"""
"""Where the button cannot be pressed, wherever the page is scrolled."""


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_the_page_fits_and_can_be_read(open_page: Any, width: int, height: int) -> None:
    page = open_page(width=width, height=height)
    for look in ("light", "dark"):
        page.emulate_media(color_scheme=look, reduced_motion="reduce")
        page.wait_for_selector(f"body{'.dark' if look == 'dark' else ':not(.dark)'}")
        poor = {text: round(page.evaluate(CONTRAST, text), 2) for text in TEXTS}
        assert min(poor.values()) >= 4.5, poor
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in ("#generate", "#stop"):
        box = page.locator(button).bounding_box()
        assert box["y"] + box["height"] <= height
        assert box["height"] >= 44
    stage = page.locator(".easel").bounding_box()
    assert height - stage["y"] >= 0.55 * height
    assert page.evaluate(COVERED) == []


def test_the_buttons_can_be_pressed_on_a_phone_that_lies_on_its_side(open_page: Any) -> None:
    page = open_page(width=844, height=390)
    assert page.evaluate(COVERED) == []


def test_the_chosen_look_outlives_a_reload(open_page: Any) -> None:
    page = open_page(color_scheme="light")
    page.click("[aria-label=Menu]")
    page.click("#menu >> text=Dark")
    assert page.evaluate("document.body.classList.contains('dark')")
    page.reload()
    page.wait_for_selector(".engine[data-state=ready]")
    assert page.evaluate("document.body.classList.contains('dark')")


def test_where_the_browser_keeps_nothing_a_page_that_is_looked_at_has_a_connection(
    open_page: Any,
) -> None:
    page = open_page(
        script="""
          const refuse = () => { throw new DOMException("not for this site", "SecurityError"); };
          Object.defineProperty(window, "localStorage", { get: refuse });
          window.SharedWorker = class { constructor() { refuse(); } };
          window.sources = [];
          window.EventSource = class extends EventSource {
            constructor(url) {
              super(url);
              window.sources.push(this);
            }
          };
        """
    )
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
      return sources.filter(({ readyState }) => readyState !== EventSource.CLOSED).length;
    }"""
    assert page.evaluate(hide, True) == 0
    assert page.evaluate(hide, False) == 1
    page.click("[aria-label=Menu]")
    page.click("#menu >> text=Dark")
    assert page.is_visible("#menu")
