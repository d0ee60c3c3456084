"""Where each picture of the grid stands, and where the arrow keys lead."""

import json
from typing import Any

import pytest

from tests.node import NODE, node

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")

DAYS = [{"day": "2026-11-20", "count": 7}, {"day": "2026-11-19", "count": 2}]
"""Three columns of 100 px: rows of 3, 3, 1 and of 2."""


def ask(expression: str, days: str = json.dumps(DAYS)) -> Any:
    return node(
        f"""
        import {{ Layout }} from "./gallery-layout.js";
        const layout = new Layout({days}, 316, 100);
        console.log(JSON.stringify({expression}));
        """
    )


def test_the_height_is_that_of_every_heading_and_row():
    assert ask("[layout.columns, layout.side, layout.count]") == [3, 100, 9]
    assert ask("layout.height") == 2 * 48 + 4 * 108


def test_a_hundred_thousand_pictures_have_an_honest_height_and_few_rows_in_sight():
    days = "Array.from({ length: 10_000 }, (_, k) => ({ day: String(k), count: 10 }))"
    height, rows, first = ask(
        "[layout.height, layout.between(1e6, 1e6 + 900).length, layout.place(99_999).top]", days
    )
    assert height == 10_000 * (48 + 4 * 108)
    assert rows < 15
    assert first == height - 108


@pytest.mark.parametrize(
    ("start", "key", "end"),
    [
        (0, "ArrowRight", 1),
        (0, "ArrowLeft", 0),
        (8, "ArrowRight", 8),
        (0, "ArrowDown", 3),
        (4, "ArrowDown", 6),  # the last row of a day is short
        (6, "ArrowDown", 7),  # the day below
        (8, "ArrowUp", 6),  # the day above, whose last row is short
        (1, "ArrowUp", 1),
        (2, "ArrowDown", 5),
        (4, "Home", 0),
        (4, "End", 8),
        (0, "PageDown", 7),
        (4, "Enter", None),
    ],
)
def test_keys_lead_in_two_dimensions(start, key, end):
    assert ask(f"layout.next({start}, '{key}') ?? null") == end


def test_every_picture_is_in_the_row_at_its_own_height():
    rows = ask("layout.between(0, layout.height).filter((row) => row.from !== undefined)")
    tops = ask("Array.from({ length: 9 }, (_, index) => layout.place(index).top)")
    for row in rows:
        assert {tops[index] for index in range(row["from"], row["to"])} == {row["top"]}
    assert [index for row in rows for index in range(row["from"], row["to"])] == list(range(9))
