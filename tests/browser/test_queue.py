"""The queue in the browser: a drawer for all that waits, and one stream for all tabs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Server

LONG = {"prompt": "a long one", "steps": 150, "size": "512x512", "checkpoint": "tiny-sd1"}
SHORT = {"steps": 2, "size": "64x64", "checkpoint": "tiny-sd1"}
TABS = 8


@pytest.fixture
def queue(server: Server) -> Iterator[Server]:
    """The queue, empty before and after."""
    yield server
    server.send("POST", "queue/resume")
    server.send("POST", "queue/clear", {"what": "waiting"})
    for job in server.get("jobs"):
        if job["state"] in ("running", "interrupted"):
            server.send("DELETE", f"jobs/{job['id']}")


def submit(server: Server, **draft: Any) -> str:
    return server.send("POST", "jobs", draft)["id"]


def prompts(page: Any) -> list[str]:
    return page.locator("#queue-drawer ol li .name").all_inner_texts()


def test_what_waits_is_moved_taken_out_and_run_again_by_keyboard_alone(
    open_page: Any, queue: Server
) -> None:
    page = open_page()
    queue.send("POST", "queue/pause")
    for name in ("first", "second", "third"):
        submit(queue, **SHORT, prompt=name)
    page.wait_for_function("document.querySelector('#queue-button .badge').textContent === '3'")
    page.keyboard.press("q")
    page.wait_for_selector("#queue-drawer li:nth-child(3)")
    assert prompts(page) == ["first", "second", "third"]
    assert not page.is_visible("#queue-drawer .running")
    page.focus("#queue-drawer [aria-label='Move up: third']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#queue-drawer ol li:nth-child(2):has-text('third')")
    assert "third" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.focus("#queue-drawer [aria-label='Run next: second']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#queue-drawer ol li:nth-child(1):has-text('second')")
    assert prompts(page) == ["second", "first", "third"]
    page.focus("[aria-label='Move down: first']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#queue-drawer ol li:nth-child(3):has-text('first')")
    said = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert said == "Take out of the queue: first", "the last one cannot be moved down"
    page.focus("[aria-label='Move up: first']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#queue-drawer ol li:nth-child(2):has-text('first')")
    page.locator("ol li:nth-child(3)").drag_to(
        page.locator("ol li:nth-child(1)"), target_position={"x": 60, "y": 4}
    )
    page.wait_for_function(
        "document.querySelector('#queue-drawer ol li .name').innerText === 'third'"
    )
    page.focus("[aria-label='Take out of the queue: first']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#queue-drawer ol li:nth-child(3)", state="detached")
    said = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert said == "Take out of the queue: second"
    page.click("#queue-drawer button:has-text('Resume')")
    page.wait_for_selector("#queue-drawer .done:has-text('second')")
    assert [job["prompt"] for job in queue.get("jobs")[:3]] == ["second", "third", "first"]
    assert [job["state"] for job in queue.get("jobs")[:3]] == ["done", "done", "cancelled"]
    page.click("#queue-drawer .cancelled:has-text('first') >> text=Run again")
    page.wait_for_selector("#queue-drawer .done:has-text('first')")
    page.keyboard.press("Escape")
    assert not page.is_visible("#queue-drawer")


def test_a_picture_is_skipped_or_the_job_ended_after_it(open_page: Any, queue: Server) -> None:
    page = open_page()
    job = submit(queue, **{**SHORT, "size": "128x128", "steps": 60}, prompt="three", count=3)
    page.click("#queue-button")
    page.wait_for_selector("#queue-drawer .running .detail:has-text('step')")
    page.click("#queue-drawer >> text=Skip picture")
    page.wait_for_function(
        f"fetch('/api/v1/jobs/{job}').then(r => r.json()).then(j => j.fraction > 0.3 && j.step > 0)"
    )
    assert queue.get(f"jobs/{job}")["pictures"] == []
    page.click("#queue-drawer >> text=Finish picture")
    page.wait_for_selector("#queue-drawer .cancelled:has-text('1 of 3 pictures')")
    assert len(queue.get(f"jobs/{job}")["pictures"]) == 1


def test_eight_tabs_are_all_live_and_the_server_answers_each(open_page: Any, queue: Server) -> None:
    first = open_page()
    pages = [first, *(first.context.new_page() for _ in range(TABS - 1))]
    for page in pages[1:]:
        page.goto(queue.url)
    for page in pages:
        page.wait_for_selector(".engine[data-state=ready]")
    job = submit(queue, **LONG)
    for page in pages:
        page.wait_for_selector(".stage .progress .detail:has-text('step')", state="attached")
    for page in pages:
        milliseconds = page.evaluate(
            "(async () => { const at = performance.now(); await fetch('/api/v1/health');"
            " return performance.now() - at; })()"
        )
        assert milliseconds < 2000, "it waits for a connection"
    queue.send("DELETE", f"jobs/{job}")
    for page in pages:
        page.wait_for_function("document.querySelector('.stage .progress').hidden")


def test_an_interrupted_job_is_offered_again_in_every_tab(open_page: Any, queue: Server) -> None:
    page = open_page()
    other = page.context.new_page()
    other.goto(queue.url)
    job = submit(queue, **LONG)
    page.wait_for_selector(".stage .progress .detail:has-text('step')")
    queue.process.kill()
    queue.process.wait()
    for shown in (page, other):
        shown.wait_for_selector(".engine[data-state=lost]")
    queue.start()
    for shown in (page, other):
        shown.wait_for_selector(".engine[data-state=ready]")
        shown.wait_for_selector(".waiting:has-text('1 interrupted job')")
    time.sleep(0.5)
    assert queue.get(f"jobs/{job}")["state"] == "interrupted", "it began by itself"
    page.click(".waiting")
    page.click("#queue-drawer >> text=Continue")
    other.wait_for_selector(".stage .progress .detail:has-text('step')")
    page.click("#queue-drawer >> text=Stop now")
    page.wait_for_selector("#queue-drawer .cancelled:has-text('a long one')")
