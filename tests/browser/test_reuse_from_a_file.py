"""A picture from anywhere, dropped on the page, fills the form."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.browser.conftest import Server
from tests.browser.test_text_to_image import choose, generate, prepare, set_size, size

HOSTILE = "<img src=x onerror=document.title='taken'>"
TEXT = (
    f"a boat {HOSTILE} <lora:ink:0.8>\nNegative prompt: fog\n"
    "Steps: 7, Sampler: DPM++ 2M Karras, CFG scale: 5.5, Seed: 18446744073709551615, "
    f"Size: 128x64, Model hash: 0123456789, Model: dreams {HOSTILE}, RNG: CPU"
)
DRAG = """([data, name, type, kinds]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type }));
    const target = document.querySelector("#prompt textarea");
    for (const kind of kinds) {
        const options = { dataTransfer, bubbles: true, cancelable: true };
        target.dispatchEvent(new DragEvent(kind, options));
    }
}"""


def drag(page: Any, data: bytes, name: str, type: str, *kinds: str) -> None:
    page.evaluate(DRAG, [base64.b64encode(data).decode(), name, type, kinds])


def drop(page: Any, data: bytes, name: str = "one.png", type: str = "image/png") -> None:
    drag(page, data, name, type, "dragover", "drop")


def jpeg(text: str) -> bytes:
    tags, file = Image.Exif(), io.BytesIO()
    tags.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    Image.new("RGB", (8, 8)).save(file, "JPEG", exif=tags)
    return file.getvalue()


def test_a_dropped_picture_of_our_own_paints_the_same_bytes(open_page: Any, server: Server) -> None:
    page = open_page()
    prepare(page, "to be brought back", steps="5", seed=str(2**64 - 1))
    choose(page, "sampler", "Euler a")
    set_size(page, 128, 64)
    first = server.bytes(f"pictures/{generate(page)}.png")

    page.reload()
    page.wait_for_selector(".caption dl")
    drag(page, first, "one.png", "image/png", "dragover")
    assert page.inner_text("#drop") == "Drop a picture to reuse its settings"
    drop(page, first)
    assert not page.is_visible("#drop")
    card = page.wait_for_selector(".notice[role=status]")
    assert card.inner_text().startswith("Settings of a picture made by Gesso.")
    page.wait_for_function("document.querySelector('#seed input').value !== ''")
    assert page.input_value("#prompt textarea") == "to be brought back"
    assert page.input_value("#seed input") == "18446744073709551615"
    assert page.input_value("#sampler input").startswith("Euler a")
    assert size(page) == ("128", "64")
    assert server.bytes(f"pictures/{generate(page)}.png") == first
    assert page.query_selector(".notice") is None


def test_a_jpeg_of_another_app_fills_the_form_and_tells_what_differs(
    open_page: Any, tmp_path: Path
) -> None:
    (tmp_path / "theirs.jpg").write_bytes(jpeg(TEXT))
    page = open_page()
    page.wait_for_selector("#drop", state="attached")
    with page.expect_file_chooser() as chooser:
        page.press("#reuse-file", "Enter")
    chooser.value.set_files(tmp_path / "theirs.jpg")
    card = page.wait_for_selector(".notice[role=status]")
    page.wait_for_function("document.querySelector('#seed input').value !== ''")
    painted, _, _ = TEXT.partition(" <lora:ink:0.8>")  # which is not here
    assert page.input_value("#prompt textarea") == painted
    assert page.input_value("#negative_prompt textarea") == "fog"
    assert page.input_value("#seed input") == "18446744073709551615"
    assert page.input_value("#steps input >> nth=0") == "7"
    assert page.input_value("#sampler input").startswith("DPM++ 2M")
    assert page.input_value("#schedule input") == "Karras"
    assert page.input_value("#checkpoint input").startswith("tiny-sd1")
    assert size(page) == ("128", "64")
    differences = [item.inner_text() for item in card.query_selector_all("li")]
    assert len(differences) == 2
    assert "(hash 0123456789)" in differences[0]
    assert "<img src=x" in differences[0]
    assert "ink" in differences[1]
    assert page.title() == "Gesso"
    page.click("[aria-label=Dismiss]")
    assert page.query_selector(".notice") is None


@pytest.mark.parametrize(
    ("name", "kind", "data", "said"),
    [
        ("notes.txt", "text/plain", b"a red house", "This is no picture."),
        ("x.png", "image/png", b"II*\0", "This is a TIFF"),
    ],
)
def test_a_file_that_is_no_picture_gets_a_sentence(
    browser: Any, server: Server, name: str, kind: str, data: bytes, said: str
) -> None:
    page = browser.new_page()
    page.goto(server.url)
    page.wait_for_selector(".engine[data-state=ready]")
    page.wait_for_selector("#drop", state="attached")
    page.fill("#prompt textarea", "kept")
    drop(page, data, name, kind)
    assert said in page.wait_for_selector(".notice[role=alert]").inner_text()
    assert page.input_value("#prompt textarea") == "kept"
    assert page.url.rstrip("/") == server.url
    page.close()


BRING = """([data, target, kind]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const brought = new DataTransfer();
    if (data) brought.items.add(new File([bytes], "one.png", { type: "image/png" }));
    if (kind === "link") brought.setData("text/uri-list", "http://evil.example/x.png");
    const options = { bubbles: true, cancelable: true };
    const event = kind === "paste"
        ? new ClipboardEvent("paste", { ...options, clipboardData: brought })
        : new DragEvent("drop", { ...options, dataTransfer: brought });
    return !document.querySelector(target).dispatchEvent(event);
}"""


def test_a_pasted_picture_is_read_and_a_link_from_elsewhere_is_not_followed(
    open_page: Any, server: Server
) -> None:
    page = open_page()
    page.wait_for_selector("#drop", state="attached")
    prepare(page, "to be pasted", steps="3", seed="77")
    picture = base64.b64encode(server.bytes(f"pictures/{generate(page)}.png")).decode()
    prepare(page, "typed since", seed="")
    assert page.evaluate(BRING, [picture, "body", "paste"])
    assert "made by Gesso" in page.wait_for_selector(".notice[role=status]").inner_text()
    page.wait_for_function("document.querySelector('#seed input').value === '77'")
    assert page.input_value("#prompt textarea") == "to be pasted"
    assert page.evaluate(BRING, ["", "#prompt textarea", "link"])
    assert "from other sites" in page.wait_for_selector(".notice[role=alert]").inner_text()
    assert page.input_value("#prompt textarea") == "to be pasted"
    assert not page.evaluate(BRING, ["", "#prompt textarea", "paste"])


def test_settings_of_a_picture_made_here_come_with_what_differs(
    open_page: Any, server: Server
) -> None:
    page = open_page()
    prepare(page, "made elsewhere", steps="3", seed="78")
    generate(page)
    page.route("**/reuse", lambda route: _as_if_made_elsewhere(route))
    page.click("text=Reuse settings")
    card = page.wait_for_selector(".notice[role=status]")
    page.wait_for_selector(".notice li")
    assert "device cuda (cpu here)" in card.inner_text()


def _as_if_made_elsewhere(route: Any) -> None:
    answer = route.fetch()
    said = answer.json()
    assert said["source"] == "Gesso" and said["differences"] == []
    said["differences"] = ["It was made with device cuda (cpu here)."]
    route.fulfill(response=answer, json=said)
