"""Keeps the table in the page that explains it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fidelity.finding import Claim

DOCS = Path(__file__).parents[2] / "docs"

_BETWEEN = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end of table -->)", re.DOTALL)


def keep_in(page: Path, claims: Sequence[Claim], effort: str) -> None:
    """Put the table, and what it took, between the page's two marks."""
    lines = ["| what | figure | wanted | |", "|---|---|---|---|"]
    lines += [f"| {c.what} | {c.figure} | {c.wanted} | {c.verdict} |" for c in claims]
    table = "\n".join([*lines, "", effort, ""])
    text = page.read_text(encoding="utf-8")
    page.write_text(_BETWEEN.sub(lambda _: table, text), encoding="utf-8")
