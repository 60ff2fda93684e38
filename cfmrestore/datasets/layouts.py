"""Layouts in which data sets are distributed: their folders and lists of names."""

from collections.abc import Sequence
from pathlib import Path


def subfolder(root: str | Path, name: str, layout: str) -> Path:
    """A folder that a layout must have."""
    if not Path(root, name).is_dir():
        raise ValueError(f"{str(root)!r} is not laid out as {layout}: it has no folder {name!r}")
    return Path(root, name)


def one_of(name: str, value: str, known: Sequence[str]) -> str:
    """A word out of a list, or an error that names the list."""
    if value not in known:
        raise ValueError(f"{name} is one of {', '.join(known)}; got {value!r}")
    return value


def read_lines(path: Path) -> list[str]:
    """The lines of a list of names, without empty ones."""
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the list {str(path)!r}: {error}") from error
