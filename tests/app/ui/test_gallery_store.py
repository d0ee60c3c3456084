"""The pictures of the gallery come page by page, each once, and late answers change nothing."""

from typing import Any

import pytest

from tests.node import NODE, node

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")

SERVER = """
    import { Store } from "./gallery-store.js";
    const asked = [];
    let down = false;
    const all = Array.from({ length: 250 }, (_, k) => ({ id: `p${k}` }));
    globalThis.fetch = async (url) => {
      const wish = new URL(url, "http://studio");
      const [text, offset] = ["text", "offset"].map((name) => wish.searchParams.get(name));
      asked.push([wish.pathname.split("/").pop(), text ?? "", Number(offset)]);
      if (text === "slow") await new Promise((done) => setTimeout(done, 50));
      if (down) throw new TypeError("nobody answers");
      const start = Number(offset);
      const found = url.includes("/days")
        ? [{ day: "2026-11-20", count: text ? 1 : all.length }]
        : text ? [{ id: text }] : all.slice(start, start + 100);
      return new Response(JSON.stringify(found));
    };
    const store = new Store();
    let pages = 0;
    store.addEventListener("page", () => pages++);
"""


def play(script: str) -> Any:
    return node(f"{SERVER} {script}")


def test_a_page_on_its_way_is_waited_for_and_asked_for_once() -> None:
    said = play(
        """
        await store.load({});
        store.need(100, 110);
        await store.need(105, 210);
        const ids = [store.get(105).id, store.get(209).id, store.indexOf("p150")];
        console.log(JSON.stringify([ids, asked.filter(([path]) => path === "pictures")]));
        """
    )
    assert said[0] == ["p105", "p209", 150]
    assert said[1] == [["pictures", "", 0], ["pictures", "", 100], ["pictures", "", 200]]


def test_a_page_that_does_not_come_is_not_asked_for_again_at_once() -> None:
    said = play(
        """
        await store.load({});
        store.addEventListener("page", () => store.need(100, 110)); // as the grid draws
        down = true;
        await store.need(100, 110);
        await new Promise((done) => setTimeout(done, 20));
        const while_down = [asked.length, pages];
        down = false;
        await store.need(100, 110);
        console.log(JSON.stringify([while_down, store.get(100).id]));
        """
    )
    assert said == [[3, 0], "p100"]


def test_an_answer_to_an_earlier_search_that_comes_late_is_passed_over() -> None:
    said = play(
        """
        await Promise.all([store.load({ text: "slow" }), store.load({ text: "quick" })]);
        console.log(JSON.stringify([store.filter.text, store.get(0).id, store.count]));
        """
    )
    assert said == ["quick", "quick", 1]
