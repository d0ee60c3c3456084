"""The model files as a list to read: what each is, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.catalog import Catalog
from pipelines.families import families
from pipelines.library.entry import Entry
from pipelines.library.text import decoded, plain

COLUMNS = ("name", "role", "kind", "size", "dtype")

NAME_WIDTH = 60
"""Characters of a name in the table; a longer one loses its middle."""


def listing(catalog: Catalog) -> list[dict[str, Any]]:
    """Every file of the library as plain data; `problem` is `{message, cure}` or None.

    All text is safe to show and to send, whatever the files are called.
    """
    labels = labels_of(catalog)
    entries = catalog.library.entries()
    return [{**row_of(entry, labels), "path": shown(entry.path)} for entry in entries]


def shown(path: Path) -> str:
    """A path as text that is safe to show and to send."""
    return plain(decoded(str(path)))


def labels_of(catalog: Catalog) -> dict[Path, str]:
    """What the files are made for, by path: "SD 1.5" for a checkpoint that can be used, else the
    family, "SD 1.x"."""
    known = {family.name: family.label for family in families()}
    entries = catalog.library.entries()
    labels = {e.path: known.get(e.family, e.family) for e in entries if e.family}
    return labels | {choice.path: choice.variant.label for choice in catalog.checkpoints()}


def row_of(entry: Entry, labels: Mapping[Path, str]) -> dict[str, Any]:
    """A file as plain data, which names no path; `labels` as `labels_of` gives them."""
    return {
        "name": entry.name,
        "role": entry.role,
        "family": entry.family,
        "variant": entry.variant,
        "kind": labels.get(entry.path),
        "size_bytes": entry.size_bytes,
        "dtype": entry.dtype,
        "sha256": entry.hashes.sha256 if entry.hashes else None,
        "pickled": entry.pickled,
        "note": entry.note,
        "problem": entry.problem._asdict() if entry.problem else None,
    }


def as_table(rows: Sequence[dict[str, Any]]) -> str:
    """The list in columns, problems below the file they belong to."""
    if not rows:
        return "There are no model files in the folders."
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(len(COLUMNS))]
    lines = [_line(cells[0], widths)]
    for row, line in zip(rows, cells[1:], strict=True):
        lines.append(_line(line, widths))
        if row["problem"]:
            lines.append(f"  ! {row['problem']['message']} {row['problem']['cure']}")
        elif row["note"]:
            lines.append(f"  {row['note']}")
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    size = f"{row['size_bytes'] / 2**20:,.0f} MB"
    return _cut(row["name"]), row["role"], row["kind"] or "", size, row["dtype"] or ""


def _cut(name: str) -> str:
    half = NAME_WIDTH // 2
    return name if len(name) <= NAME_WIDTH else f"{name[: half - 1]}…{name[-half:]}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()
