"""Input images that arguments name: files, folders, patterns."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cfmrestore.imageio import EXTENSIONS, SUFFIXES, list_images

RESULT_FORMATS = ("png", "jpg", "webp", "avif", "tif")


@dataclass(frozen=True)
class Item:
    """An image to read, and its name: the path below the folder that was named.

    Args:
        path: Of the file.
        name: Of its result, but for suffix and format.
        searched: Whether a folder was named, and this image found in it.
    """

    path: Path
    name: Path
    searched: bool = False

    def __str__(self) -> str:
        return str(self.path)

    @property
    def weight(self) -> int:
        """Bytes of the file: how much work it may be, before it is read."""
        return max(self.path.stat().st_size, 1)

    def renamed(self, suffix: str, format: str | None) -> Path:
        """The name of its result."""
        if format is not None and format not in RESULT_FORMATS:
            raise ValueError(f"unknown format {format!r}; known are {', '.join(RESULT_FORMATS)}")
        kept = self.name.suffix if self.name.suffix.lower() in SUFFIXES else ".png"
        ending = kept if format is None else f".{format}"
        return self.name.with_name(f"{self.name.stem}{suffix}{ending}")


def find_items(inputs: Sequence[str | Path]) -> list[Item]:
    """Every image once, in the order of the arguments; one clear error for what does not exist."""
    items: dict[Path, Item] = {}
    for argument in inputs:
        for item in _items(argument):
            items.setdefault(item.path.resolve(), item)
    return list(items.values())


def _items(argument: str | Path) -> list[Item]:
    path = Path(argument).expanduser()
    if path.is_dir():
        return [Item(file, file.relative_to(path), searched=True) for file in list_images(path)]
    if path.is_file():
        return [Item(path, Path(path.name))]
    matches = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 - that one takes no /
    files = [match for match in matches if match.is_file() and match.suffix.lower() in EXTENSIONS]
    if not files:
        raise ValueError(f"there is no image, folder or match of {str(argument)!r}")
    root = Path(os.path.commonpath([file.parent for file in files]))
    return [Item(file, file.relative_to(root)) for file in files]
