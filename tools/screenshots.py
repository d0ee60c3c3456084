"""Take the pictures in docs/screenshots, with the starter model and a real browser.

    python -m tools.screenshots [--only NAME]

Needs the packages of the `test` extra and an installed Chromium. Paints a dozen small
pictures first, which takes a minute on a processor.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SHOTS = ROOT / "docs" / "screenshots"
DESKTOP, TABLET, PHONE = (1440, 900), (1024, 768), (390, 844)
SECONDS = 600
SHOWN = 1  # the place in PROMPTS of the picture on show

NOWHERE = """for (const path of document.querySelectorAll("code")) {
  if (path.textContent.startsWith("/")) path.textContent = "~/Gesso/models";
}"""
"""Where this was taken is nobody's business."""

PROMPTS = (
    "a red house, a meadow, a clear day",
    "a white boat on the sea at sunset, watercolour",
    "high mountains, a starry night, the moon",
    "a windmill on a hill, autumn",
    "a lake, a forest, morning fog",
    "a yellow house by the river, snow",
)


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--only", choices=sorted(SCENES), help="one picture of them")
    only = flags.parse_args().only
    with tempfile.TemporaryDirectory() as home, _studio(Path(home)) as url:
        welcome = ("welcome",) if only in (None, "welcome") else ()
        others = [name for name in SCENES if name != "welcome" and only in (None, name)]
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(
                executable_path=chromium,
                args=["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"],
            )
            for name in welcome:
                _shoot(browser, url, name)
            if others:
                _paint(url)
            for name in others:
                _shoot(browser, url, name)


@contextmanager
def _studio(home: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "app.cli", "serve", "--no-browser", "--port", str(port)]
    command += ["--outputs", str(home / "outputs"), "--data", str(home / "data")]
    process = subprocess.Popen(command, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: _get(f"{url}/api/v1/health")["engine"]["state"] == "ready")
        yield url
    finally:
        process.terminate()
        process.wait()


def _paint(url: str) -> None:
    """A few pictures of each prompt, from seeds that stay the same."""
    for number, prompt in enumerate(PROMPTS):
        draft = {"prompt": prompt, "seed": 7 + 10 * number, "count": 2, "steps": 20}
        _post(f"{url}/api/v1/jobs", draft)
    _wait(lambda: all(job["state"] == "done" for job in _get(f"{url}/api/v1/jobs")))


def _shoot(browser: Any, url: str, name: str) -> None:
    (width, height), look, arrange = SCENES[name]
    urllib.request.urlopen(urllib.request.Request(f"{url}/api/v1/workspace", method="DELETE"))
    language = "de-DE" if name.endswith("german") else "en-GB"
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=look,
        locale=language,
        reduced_motion="reduce",
    )
    context.set_default_timeout(SECONDS * 1000)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(".engine[data-state=ready]")
    page.wait_for_selector("#steps input")
    arrange(page)
    page.wait_for_timeout(800)
    page.evaluate(NOWHERE)
    page.screenshot(path=SHOTS / f"{name}.png")
    context.close()


def _fill(page: Page) -> None:
    """The form as it was for the picture on show."""
    page.wait_for_selector(".caption .action")
    page.locator(".caption .action").first.click()
    page.wait_for_function("document.querySelector('#prompt textarea').value !== ''")
    if page.locator(".notice button.quiet").count():
        page.locator(".notice button.quiet").click()


def _work(page: Page) -> None:
    page.locator(".strip .tile").nth(2 * (len(PROMPTS) - SHOWN) - 1).click()
    page.locator(".caption .prompt", has_text=PROMPTS[SHOWN]).wait_for()
    _fill(page)
    page.evaluate("scrollTo(0, 0)")


def _painting(page: Page) -> None:
    page.fill("#prompt textarea", PROMPTS[2])
    page.fill("#steps input >> nth=0", "120")
    page.click("#generate")
    page.wait_for_function("document.querySelector('[role=progressbar]')?.ariaValueNow > 55")


def _gallery(page: Page) -> None:
    page.locator("#tasks [role=tab]").nth(1).click()
    page.wait_for_selector("#gallery img")


def _queue(page: Page) -> None:
    for prompt in PROMPTS[:4]:
        page.fill("#prompt textarea", prompt)
        page.wait_for_timeout(100)
        page.click("#generate")
        page.wait_for_timeout(200)
    page.click("#masthead-actions button")
    page.wait_for_selector("#queue-drawer[open]")


def _nothing(page: Page) -> None:
    page.get_by_role("button", name="Copy").wait_for()


Scene = tuple[tuple[int, int], str, Callable[[Page], None]]

SCENES: dict[str, Scene] = {
    "welcome": (DESKTOP, "light", _nothing),
    "desktop-light": (DESKTOP, "light", _work),
    "desktop-dark": (DESKTOP, "dark", _work),
    "desktop-german": (TABLET, "light", _work),
    "tablet-dark": (TABLET, "dark", _work),
    "gallery": (DESKTOP, "light", _gallery),
    "phone-light": (PHONE, "light", _work),
    "phone-dark": (PHONE, "dark", _gallery),
    "painting": (DESKTOP, "dark", _painting),
    "queue": (DESKTOP, "light", _queue),
}


def _get(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def _post(url: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request).close()


def _wait(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            if met():
                return
        except OSError:
            pass  # not listening yet
        time.sleep(0.3)
    raise TimeoutError("The studio took too long.")


if __name__ == "__main__":
    main()
