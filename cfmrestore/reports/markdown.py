"""Markdown: tables, and pages of text whose tables are made by a command."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from cfmrestore.imageio.atomic import write_text

T = TypeVar("T")


def markdown_table(cells: Sequence[Sequence[str]]) -> str:
    """A table; the first row is its head."""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines) + "\n"


def format_number(value: float | None) -> str:
    """A number as tables have it; a dash where there is none."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return str(value)
    if value == int(value):
        return str(int(value))
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}"


def metrics_table(name: str, rows: Mapping[str, Mapping[str, T]], text: Callable[[T | None], str]) -> str:
    """A table of what is measured, by row and then by column; its name stands in the corner."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = [[title, *(text(row.get(column)) for column in columns)] for title, row in rows.items()]
    return markdown_table([[name, *columns], *cells])


def fill(page: str | Path, name: str, text: str, *, check: bool = False) -> None:
    """Put a text between the two marks of that name in a page; ``check`` only looks whether they are there."""
    page = Path(page)
    whole = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    if whole.count(begin) != 1 or whole.count(end) != 1 or whole.index(begin) > whole.index(end):
        raise ValueError(f"{page} has no lines {begin.strip()} and {end}, between which the table would go")
    if not check:
        before, after = whole.split(begin)[0], whole.split(end)[1]
        write_text(page, f"{before}{begin}\n{text}\n{end}{after}")
