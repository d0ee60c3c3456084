"""What is searched for, as SQL. Nothing typed by a person is ever part of a statement."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

_ALONE = re.compile(
    "(["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"  # Japanese, Chinese
    "\u2600-\u27bf\U0001f000-\U0001faff"  # pictographs
    "])"
)
"""Characters of scripts that put no space between words: each is indexed as a word."""


@dataclass(frozen=True)
class Query:
    """Which pictures. `text`: every word begins a word of the prompt. `since` and `until` are
    days, both included. What is not set leaves the choice open."""

    text: str = ""
    checkpoint: str | None = None
    seed: int | None = None
    since: date | None = None
    until: date | None = None
    favourite: bool = False

    def conditions(self) -> tuple[str, list[object]]:
        """A condition over the table `pictures`, and the values that it holds places for."""
        parts: list[tuple[str, object]] = []
        if match := match_of(self.text):
            # The plus keeps the order of ids: the page is found without sorting all that match.
            found = "+number IN (SELECT rowid FROM words WHERE words MATCH ?)"
            parts.append((found, match))
        if self.checkpoint is not None:
            parts.append(("checkpoint = ?", self.checkpoint))
        if self.seed is not None:
            parts.append(("seed = ?", str(self.seed)))
        if self.since is not None:
            parts.append(("id >= ?", f"{self.since:%Y%m%d}"))
        if self.until is not None:
            parts.append(("id < ?", f"{self.until:%Y%m%d}."))  # a dot comes after a dash
        conditions = [condition for condition, _ in parts]
        if self.favourite:
            conditions.append("favourite")
        return " AND ".join(conditions) or "TRUE", [value for _, value in parts]


def searchable(text: str) -> str:
    """A text as it is indexed: compatible forms made one, words apart in every script."""
    return _ALONE.sub(r" \1 ", unicodedata.normalize("NFKC", text))


def match_of(text: str) -> str:
    """An FTS5 expression that every word of `text` begins a word; empty when there is no word.

    Each word stands in quotes, so that no operator of FTS5 is ever one.
    """
    words = dict.fromkeys(word for word in text.split() if any(map(_counts, word)))
    quoted = (searchable(word).replace('"', " ") for word in words)
    return " AND ".join(f'"{word}" *' for word in quoted)


def _counts(character: str) -> bool:
    """Whether the index knows the character; punctuation it does not."""
    return unicodedata.category(character)[0] in "LN" or bool(_ALONE.match(character))
