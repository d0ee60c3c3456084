"""Everybody can use the page: axe-core finds nothing, in every state, light and dark."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

RULES = "axe.run(document, { resultTypes: ['violations'] })"
LOOKS = [(1440, 900, "light"), (390, 844, "dark")]


@pytest.fixture(scope="module")
def axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def findings(page: Any) -> list[str]:
    """What axe-core has against the page as it stands, of every impact."""
    return [
        f"{found['impact']} {found['id']} {node['target']} {node['html'][:120]}"
        for found in page.evaluate(RULES)["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.parametrize(("width", "height", "look"), LOOKS)
def test_axe_finds_nothing(open_page: Any, axe: str, width: int, height: int, look: str) -> None:
    page = open_page(width=width, height=height, color_scheme=look)
    page.evaluate(axe)
    found = {"fresh": findings(page)}

    page.click("[aria-label=Menu]")
    found["menu"] = findings(page)
    page.get_by_role("button", name="About this machine").click()
    page.wait_for_selector("#about dl")
    found["about"] = findings(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("#shortcuts[open]")
    found["shortcuts"] = findings(page)
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Presets").click()
    page.wait_for_selector("#presets-list li")
    found["presets"] = findings(page)
    page.click("#presets-list .save")
    page.fill("#presets-save input[type=text]", "Quick sketch")
    page.keyboard.press("Enter")
    page.wait_for_selector("#presets-save .told:not(:empty)")
    found["saving a preset"] = findings(page)
    page.keyboard.press("Escape")

    page.fill("#prompt textarea", "a red house, a meadow")
    page.fill("#steps input >> nth=0", "120")
    page.wait_for_selector("#prompt .tokens")
    page.click("#generate")
    page.wait_for_selector(".stage[data-state=painting]")
    found["painting"] = findings(page)
    page.click("#masthead-actions button")
    page.wait_for_selector("#queue-drawer[open]")
    found["queue"] = findings(page)
    page.keyboard.press("Escape")
    page.wait_for_selector(".stage[data-state=picture]")
    found["picture"] = findings(page)
    page.get_by_role("tab", name="Gallery").click()
    page.wait_for_selector("#gallery img")
    found["gallery"] = findings(page)
    assert {state: told for state, told in found.items() if told} == {}


def test_what_has_the_focus_is_seen(open_page: Any) -> None:
    """Tab walks through everything that is on the page, and marks each."""
    page = open_page()
    seen: list[str] = []
    unmarked: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        page.wait_for_timeout(120)  # as fast as a hand
        name, marked = page.evaluate(
            """() => {
              const here = document.activeElement;
              const ringed = (element) => {
                const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
                return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
              };
              const around = [here, here.parentElement, here.closest(".wrap, .block, label")];
              const name = here.tagName + " " + (here.id || here.ariaLabel || here.innerText);
              const next = here.nextElementSibling; // a radio button is drawn by what follows it
              const marked = [...around, next].filter(Boolean).some(ringed);
              return [here === document.body ? "" : name, marked];
            }"""
        )
        if not name:
            break
        seen.append(name)
        if not marked:
            unmarked.append(name)
    assert seen[0] == "A Skip to the prompt"
    assert {"BUTTON generate", "BUTTON seed-random"} <= set(seen), " | ".join(seen)
    assert unmarked == [], " | ".join(unmarked)
