"""Where the arrow keys lead among the cards of model files, and how wide a card is."""

from __future__ import annotations

import json

import pytest

from tests.node import NODE, node

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


def ask(expression: str) -> object:
    return node(
        f"""
        import {{ columnsIn, next }} from "./models-grid.js";
        const shape = {{ count: 10, columns: 4, rows: 2 }};
        console.log(JSON.stringify({expression} ?? null));
        """
    )


KEYS = [
    (0, "ArrowRight", 1),
    (0, "ArrowLeft", 0),
    (9, "ArrowRight", 9),
    (1, "ArrowDown", 5),
    (5, "ArrowDown", 9),
    (6, "ArrowDown", 9),  # nothing is below it: the last one
    (9, "ArrowDown", 9),
    (6, "ArrowUp", 2),
    (2, "ArrowUp", 2),
    (1, "PageDown", 9),
    (9, "PageUp", 1),
    (5, "Home", 0),
    (5, "End", 9),
    (5, "x", None),
]
"""Index, key, and the index to which it leads: ten cards in four columns."""


def test_a_key_leads_to_a_card() -> None:
    pressed = json.dumps([(index, key) for index, key, _ in KEYS])
    led = ask(f"{pressed}.map(([index, key]) => next(index, key, shape) ?? null)")
    assert led == [expected for *_, expected in KEYS]


def test_no_key_leads_anywhere_without_cards() -> None:
    empty = "{ count: 0, columns: 4, rows: 1 }"
    keys = '["ArrowDown", "ArrowLeft", "Home", "End"]'
    assert ask(f"{keys}.map((key) => next(0, key, {empty}) ?? null)") == [None] * 4


def test_cards_fill_the_width_and_none_is_narrower_than_asked() -> None:
    assert ask("columnsIn(90, 100)") == {"columns": 1, "side": 90}
    assert ask("columnsIn(324, 100)") == {"columns": 3, "side": 100}
    assert ask("columnsIn(1000, 148)") == {"columns": 6, "side": (1000 - 5 * 12) / 6}
