"""Results: what was measured, with its command, commit and protocol, as files in docs/results.

A file holds tables of texts, as they are shown: ``27.70`` keeps its last digit. What others published lies in
docs/results/published and names its source.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from _generate.links import ROOT
from cfmrestore.reports.markdown import markdown_table

FOLDER = ROOT / "docs" / "results"
KEYS = {"what", "command", "commands", "commit", "protocol", "note", "source", "tables"}

Table = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Result:
    """Tables of one measurement, rows and columns by their titles.

    Args:
        what: In a line.
        tables: By what stands in their corner.
        commands: By which they are made; none of what others published.
        commit: Of the code that made them.
        protocol: What was measured on what, in which way.
        note: What a reader has to know beside it.
        source: Of what others published.
    """

    what: str
    tables: Mapping[str, Table]
    commands: tuple[str, ...] = ()
    commit: str = ""
    protocol: str = ""
    note: str = ""
    source: str = ""

    def markdown(self, *names: str) -> str:
        """The tables of these names, or all."""
        chosen = {name: self.tables[name] for name in names} if names else self.tables
        return "\n".join(table(name, rows) for name, rows in chosen.items())

    def made(self) -> str:
        """How it came about, in a sentence or two for under a table."""
        if self.source:
            return f"Published: {self.source}."
        commands = "; ".join(f"`{command}`" for command in self.commands)
        note = f" Note: {self.note}." if self.note else ""
        return f"{self.what}. By {commands}, at commit {self.commit}. Protocol: {self.protocol}.{note}"

    def text(self, row: str, column: str, name: str = "") -> str:
        """What stands in a table, the only one or that of this name; a part of the row's title is enough."""
        (rows,) = [self.tables[name]] if name else self.tables.values()
        (title,) = [row] if row in rows else [title for title in rows if row in title]
        return rows[title][column]

    def number(self, row: str, column: str, name: str = "") -> float:
        """The first number there: of ``6.42 ± 1.35`` and of ``98.7 %``."""
        text = self.text(row, column, name)
        match = re.search(r"-?\d*\.?\d+", text)
        if match is None:
            raise ValueError(f"{text!r} holds no number")
        return float(match[0])


def table(corner: str, rows: Table) -> str:
    """Rows of texts as Markdown; a column that a row lacks stays empty."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    return markdown_table(
        [[corner, *columns], *([title, *(row.get(key, "") for key in columns)] for title, row in rows.items())]
    )


def load(path: Path) -> Result:
    """One file, YAML or JSON; every scalar is kept as the text that it is."""
    given = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    if wrong := given.keys() - KEYS:
        raise ValueError(f"{path.name} has {', '.join(sorted(wrong))}; a result has {', '.join(sorted(KEYS))}")
    commands = given.pop("commands", []) or [given.pop("command", "")]
    return Result(**{**given, "commands": tuple(filter(None, commands))})


def results() -> dict[str, Result]:
    """All files, by their names; what others published as ``published/NAME``."""
    paths = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".yml", ".json"))
    return {str(path.relative_to(FOLDER).with_suffix("")): load(path) for path in paths}


def study(coupling: str, intervals: int, encoder: str = "Haar 4", solver: str = "Euler") -> dict[str, float]:
    """A row of docs/study/study.json."""
    every = json.loads((ROOT / "docs" / "study" / "study.json").read_text())["runs"]
    (run,) = (one for one in every if one["encoder"] == encoder and one["coupling"] == coupling)
    rows = run["benchmarks"]["set14"]["rows"]
    (row,) = (one for one in rows if one["solver"] == solver and one["num_intervals"] == intervals)
    return row


def milliseconds(batch: int, precision: str, run: str = "eager", layout: str = "contiguous") -> float:
    """The median of an evaluation of FMBoost's network on an H100."""
    measured = json.loads((ROOT / "benchmarks" / "results" / "h100_unet-305m.json").read_text())["evaluations"]
    wanted = {"batch": batch, "precision": precision, "run": run, "layout": layout}
    (row,) = (one for one in measured if wanted.items() <= one.items())
    return row["milliseconds"][1]
