"""What the page hears of the studio, and whom it tells."""

from __future__ import annotations

from typing import Any

import pytest

from tests.node import NODE, node

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")

STREAM = """
    import { Feed } from "./feed.js";
    const sources = [];
    globalThis.EventSource = class {
      static CLOSED = 2;
      #hear = {};
      constructor() { sources.push(this); }
      addEventListener(type, listener) { this.#hear[type] = listener; }
      say(type, data) { this.#hear[type]({ data: JSON.stringify(data) }); }
      close() { this.closed = true; }
    };
    globalThis.document = new EventTarget();
    globalThis.addEventListener = () => {};
    globalThis.SharedWorker = class { constructor() { throw new Error("not for this site"); } };
    const timers = new Map();
    globalThis.setTimeout = (run) => { timers.set(timers.size + 1, run); return timers.size; };
    globalThis.clearTimeout = (timer) => timers.set(timer, null);
    const elapse = () => { for (const run of [...timers.values()]) run?.(); };
    const told = [];
    const feed = new Feed();
    const news = (models) =>
      sources.at(-1).say("jobs", { version: 1, jobs: [], pictures: 0, models });
    const begin = () => {
      feed.start();
      sources.at(-1).say("progress", { version: 1, progress: null, engine: {} });
    };
"""


def play(script: str) -> Any:
    return node(f"{STREAM} {script} console.log(JSON.stringify(told));")


def test_a_counter_is_told_of_when_it_changes_and_not_before() -> None:
    said = play(
        """
        feed.watch("models", () => told.push(feed.snapshot.models));
        begin();
        for (const models of [4, 4, 5, 5, 0]) news(models);
        """
    )
    assert said == [5, 0]


def test_who_has_gone_is_told_nothing_more() -> None:
    said = play(
        """
        const gone = new AbortController();
        begin();
        news(1);
        feed.watch("models", () => told.push(feed.snapshot.models), { signal: gone.signal });
        news(2);
        gone.abort();
        news(3);
        """
    )
    assert said == [2]


def test_a_page_that_nobody_looks_at_holds_no_connection_of_its_own() -> None:
    said = play(
        """
        begin();
        for (const hidden of [true, false]) {
          document.hidden = hidden;
          document.dispatchEvent(new Event("visibilitychange"));
          told.push(sources.filter(({ closed }) => !closed).length);
        }
        """
    )
    assert said == [0, 1]


def test_a_line_that_has_gone_silent_is_opened_anew() -> None:
    said = play(
        """
        feed.addEventListener("lost", () => told.push("lost"));
        begin();
        sources.at(-1).say("ping", {});
        told.push(sources.length);
        elapse();
        told.push(sources[0].closed, sources.length);
        """
    )
    assert said == [1, "lost", True, 2]
