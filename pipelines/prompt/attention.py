r"""Stress on words, in the grammar artists know from A1111's webui.

    (x)      1.1 times the attention            [x]      1/1.1 of it
    (x:1.3)  1.3 times; negative allowed        \( \) \[ \] \\   the character itself
    BREAK    the rest starts in a new chunk

Groups nest and their weights multiply. A closing bracket without its opening is text; a group
left open reaches to the end. A backslash before anything else is dropped. `[x:1.2]` is a softened
"x:1.2". Other than in A1111, a BREAK inside a group breaks as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

STRONGER = 1.1
WEAKER = 1 / 1.1

_BREAK = re.compile(r"\bBREAK\b")
_WEIGHT = re.compile(r":\s*([+-]?[.\d]+)\s*\)")
_ESCAPABLE = "()[]\\"
_STRUCTURE = "()[]\\:"


class Part(NamedTuple):
    """A run of text and how much attention it gets (1 is the usual)."""

    text: str
    weight: float


def parse_attention(text: str) -> list[list[Part]]:
    """Parts of the prompt, in one list per stretch between BREAKs; at least one, maybe empty.

    Any text is a prompt: nothing raises. Neighbours of equal weight are one part.
    """
    return [_merged(stretch) for stretch in _Scanner(text).stretches()]


class _Scanner:
    """Reads a prompt from left to right into runs of text, each with its weight."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._runs: list[str | None] = []  # None is a BREAK
        self._weights: list[float] = []
        self._round: list[int] = []  # where the groups still open began, as indices of runs
        self._square: list[int] = []

    def stretches(self) -> Iterator[list[Part]]:
        position = 0
        while position < len(self._text):
            position = self._read(position)
        for start in self._round:
            self._multiply(start, STRONGER)
        for start in self._square:
            self._multiply(start, WEAKER)
        stretch: list[Part] = []
        for run, weight in zip(self._runs, self._weights, strict=True):
            if run is None:
                yield stretch
                stretch = []
            else:
                stretch.append(Part(run, weight))
        yield stretch

    def _read(self, position: int) -> int:
        """Consume one thing at `position`; where the next begins."""
        match self._text[position]:
            case "\\":
                escaped = self._text[position + 1 : position + 2]
                if not escaped or escaped not in _ESCAPABLE:
                    return position + 1
                self._add(escaped)
                return position + 2
            case "(":
                self._round.append(len(self._runs))
            case "[":
                self._square.append(len(self._runs))
            case ")" if self._round:
                self._multiply(self._round.pop(), STRONGER)
            case "]" if self._square:
                self._multiply(self._square.pop(), WEAKER)
            case ":" if self._round and (weight := self._weight(position)):
                self._multiply(self._round.pop(), weight[0])
                return weight[1]
            case _:
                return self._read_words(position)
        return position + 1

    def _weight(self, position: int) -> tuple[float, int] | None:
        """The number of a `:1.3)` at `position` and where it ends."""
        found = _WEIGHT.match(self._text, position)
        try:
            return (float(found[1]), found.end()) if found else None
        except ValueError:  # 1.2.3
            return None

    def _read_words(self, position: int) -> int:
        """Consume text up to the next character that might mean something."""
        end = position + 1
        while end < len(self._text) and self._text[end] not in _STRUCTURE:
            end += 1
        first, *others = _BREAK.split(self._text[position:end])
        self._add(first.rstrip() if others else first)
        for k, words in enumerate(others, start=1):
            self._add(None)
            self._add(words.lstrip() if k == len(others) else words.strip())
        return end

    def _add(self, run: str | None) -> None:
        self._runs.append(run)
        self._weights.append(1.0)

    def _multiply(self, start: int, factor: float) -> None:
        self._weights[start:] = [weight * factor for weight in self._weights[start:]]


def _merged(stretch: list[Part]) -> list[Part]:
    merged: list[Part] = []
    for part in stretch:
        if not part.text:
            continue
        if merged and merged[-1].weight == part.weight:
            part = Part(merged.pop().text + part.text, part.weight)
        merged.append(part)
    return merged
