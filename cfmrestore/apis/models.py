"""The models that come with the package."""

from typing import Any

from cfmrestore import model_zoo
from cfmrestore.reports.markdown import markdown_table


def models() -> list[dict[str, Any]]:
    """A row a model: its name, what it is for, its file's size, and figures that were measured."""
    rows = []
    for name, card in model_zoo.cards().items():
        file = model_zoo.find_bundled(name)
        rows.append(
            {
                "name": name,
                "for": card.get("what", "-"),
                "parameters": card["parameters"],
                "bytes": file.stat().st_size,
                "license": card.get("license"),
                "command": card.get("command"),
                "figures": card.get("figures", {}),
            }
        )
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown of the rows."""
    figures = list(dict.fromkeys(key for row in rows for key in row["figures"]))
    cells = [["model", "for", "parameters", "MB", *figures]]
    for row in rows:
        numbers = [str(row["figures"].get(key, "-")) for key in figures]
        size = [f"{row['parameters'] / 1e6:.1f} M", f"{row['bytes'] / 1e6:.1f}"]
        cells.append([row["name"], row["for"], *size, *numbers])
    return markdown_table(cells)
