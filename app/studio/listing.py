"""The model files as a list to read: what each is, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.catalog import Catalog
from pipelines.library.entry import Entry

COLUMNS = ("name", "role", "kind", "size", "dtype")


def listing(catalog: Catalog) -> list[dict[str, Any]]:
    """Every file of the library as plain data; `problem` is `{message, cure}` or None."""
    labels = {choice.path: choice.variant.label for choice in catalog.checkpoints()}
    return [_row(entry, labels.get(entry.path)) for entry in catalog.library.entries()]


def _row(entry: Entry, label: str | None) -> dict[str, Any]:
    return {
        "name": entry.name,
        "role": entry.role,
        "family": entry.family,
        "variant": entry.variant,
        "kind": label or entry.family,
        "size_bytes": entry.size_bytes,
        "dtype": entry.dtype,
        "sha256": entry.hashes.sha256 if entry.hashes else None,
        "path": str(entry.path),
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
    return row["name"], row["role"], row["kind"] or "", size, row["dtype"] or ""


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()
