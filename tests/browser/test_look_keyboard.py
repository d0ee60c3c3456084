"""Everything can be done from the keyboard, and every shortcut stands in the list."""

from __future__ import annotations

from typing import Any


def test_shortcuts_do_what_the_list_says(open_page: Any) -> None:
    page = open_page()
    page.focus("#generate")
    page.keyboard.press("?")
    listed = page.locator("#shortcuts dl > div").all_inner_texts()
    assert "Open the gallery\nG" in [text.replace("\n\n", "\n") for text in listed]
    page.keyboard.press("g")  # a dialog is open: nothing behind it moves
    assert page.get_attribute("body", "data-tab") == "text-to-image"
    page.keyboard.press("Escape")
    page.wait_for_selector("#shortcuts", state="detached")

    page.keyboard.press("p")
    page.keyboard.type("gp?q")  # letters, while a text box has the focus
    assert page.input_value("#prompt textarea") == "gp?q"

    page.fill("#steps input >> nth=0", "150")
    page.keyboard.press("Control+Enter")
    page.wait_for_function("document.title.endsWith('% · Gesso')")
    page.keyboard.press("Control+Shift+Enter")
    page.wait_for_selector(".waiting:has-text('1 job waits')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".waiting", state="hidden")
    page.keyboard.press("Escape")
    page.wait_for_selector("#stop:disabled")
    page.wait_for_function("document.title === 'Gesso'")

    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    page.wait_for_selector("#gallery", state="visible")
    page.keyboard.press("p")
    page.wait_for_selector("#prompt textarea:focus")


def test_a_finished_picture_is_told_to_one_who_looks_elsewhere(open_page: Any) -> None:
    page = open_page(
        permissions=["notifications"],
        script="""
          window.told = [];
          window.Notification = class extends EventTarget {
            static permission = "granted";
            static requestPermission = async () => "granted";
            constructor(title, { body }) {
              super();
              window.told.push([title, body]);
            }
          };
        """,
    )
    page.click("[aria-label=Menu]")
    page.check("#menu [role=switch]")
    page.keyboard.press("Escape")
    page.fill("#prompt textarea", "a quiet lake")
    page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", { value: true, configurable: true });
          document.querySelector("#generate").click();
        }"""
    )
    page.wait_for_function("document.title === '✓ Gesso'")
    assert page.evaluate("told") == [["The picture is finished", "a quiet lake"]]
    page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", { value: false, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    assert page.title() == "Gesso"


def test_the_tokens_of_the_prompt_are_counted(open_page: Any) -> None:
    page = open_page()
    counter = page.locator("#prompt .tokens [aria-hidden]")
    page.fill("#prompt textarea", "a red house, a meadow")
    page.wait_for_function("document.querySelector('#prompt .tokens')?.innerText.startsWith('6 /')")
    page.fill("#prompt textarea", "a red house BREAK a meadow")
    page.wait_for_function("document.querySelector('#prompt .tokens').innerText.startsWith('3 +')")
    assert counter.inner_text() == "3 + 2 / 75"
    assert page.locator("#prompt [aria-live], #prompt [role=status]").count() == 0
    page.fill("#prompt textarea", "a " * 5001)
    page.wait_for_function("document.querySelector('#prompt .tokens').innerText.startsWith('Too')")
    page.fill("#prompt textarea", "")
    counter.wait_for(state="hidden")


def test_a_list_shuts_when_it_is_left(open_page: Any) -> None:
    page = open_page()
    page.focus("#checkpoint input")
    page.wait_for_selector("#checkpoint [aria-expanded=true]")
    page.keyboard.press("Tab")
    page.wait_for_selector("#checkpoint [aria-expanded=false]")
    page.click("#checkpoint input")
    option = page.locator("#checkpoint [role=option] >> nth=1")
    label = option.inner_text().strip()
    option.click()
    option.wait_for(state="hidden")
    assert page.input_value("#checkpoint input") == label
