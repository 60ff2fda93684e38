"""Pages of text, parts of which are made by a command."""

from pathlib import Path

from cfmrestore.imageio.atomic import write_text


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
