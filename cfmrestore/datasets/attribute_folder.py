"""Dataset of images and a table of what each shows: CelebA, as it is distributed, or a CSV file."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.layouts import read_lines
from cfmrestore.datasets.transforms.base import Transform
from cfmrestore.registry import DATASETS

_VALUES: dict[str, bool | None] = {
    "1": True, "true": True, "yes": True, "0": False, "-1": False, "false": False, "no": False, "": None,
}  # fmt: skip
_LABEL = "label"


@DATASETS.register_module()
class AttributeFolder(ImageDataset):
    """The images that a table names, in its order, with their attributes.

    A CSV file has a line of names, "filename, smile, glasses ...", and a line an image: 1 where it has an attribute, 0
    or -1 where not, nothing where it counts for neither. A column "label" is the class of the image, an integer.
    CelebA's ``list_attr_celeba.txt`` is read too: the number of images, the names, and a line an image, with spaces.

    Args:
        data_root: Folder of the images.
        table: The table; by default the only CSV file in the folder.
        pipeline, seed, on_error, cache_images: As of ``ImageDataset``.
    """

    def __init__(
        self,
        *,
        data_root: str,
        table: str | None = None,
        pipeline: Sequence[Transform | dict[str, Any]] = (),
        seed: int = 0,
        on_error: str = "raise",
        cache_images: int = 0,
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed, on_error=on_error, cache_images=cache_images)
        root = Path(data_root)
        file = _only_table(root) if table is None else Path(table)
        names, rows = _read_table(file)
        self.samples = [(name, {"high": root / name}) for name, _ in rows]
        if outside := [name for name, _ in rows if ".." in Path(name).parts or Path(name).is_absolute()]:
            raise ValueError(f"{file.name} names {outside[0]!r}, which is not in {str(root)!r}")
        if lost := [name for name, files in self.samples if not files["high"].is_file()]:
            raise ValueError(f"{str(root)!r} lacks {len(lost)} images that {file.name} names: {', '.join(lost[:5])}")
        self.labels = [_label(dict(zip(names, row, strict=True)).get(_LABEL), name, file) for name, row in rows]
        self.names = tuple(name for name in names if name != _LABEL)
        self.rows = [
            {key: _value(text, name, file) for key, text in zip(names, row, strict=True) if key != _LABEL}
            for name, row in rows
        ]
        self.metainfo = {"attributes": self.names}

    def label(self, index: int) -> int | None:
        return self.labels[index]

    def attributes(self, index: int) -> dict[str, bool | None]:
        return dict(self.rows[index])


def _only_table(root: Path) -> Path:
    found = sorted(root.glob("*.csv"))
    if len(found) != 1:
        raise ValueError(f"{str(root)!r} has {len(found)} CSV files: name the table of the attributes")
    return found[0]


def _read_table(file: Path) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Names of the attributes; name and values of each image."""
    lines = read_lines(file)
    if len(lines) > 1 and lines[0].isdigit():  # CelebA
        names, cells = lines[1].split(), [line.split() for line in lines[2:]]
    else:
        head, *cells = csv.reader(lines or [""])
        names = [name.strip() for name in head[1:]]
    rows = []
    for cell in cells:
        if len(cell) != len(names) + 1:
            raise ValueError(f"{file.name}: {cell[0]!r} has {len(cell) - 1} values of {len(names)} attributes")
        rows.append((cell[0].strip(), [text.strip() for text in cell[1:]]))
    if not names or not rows or len(set(names)) < len(names):
        raise ValueError(f"{file.name} is no table of attributes: a line filename,NAME,NAME ... and a line an image")
    return names, rows


def _value(text: str, name: str, file: Path) -> bool | None:
    if text.lower() not in _VALUES:
        raise ValueError(f"{file.name}: an attribute of {name!r} is 1, 0, -1 or empty; got {text!r}")
    return _VALUES[text.lower()]


def _label(text: str | None, name: str, file: Path) -> int | None:
    if text is not None and not text.isdigit():
        raise ValueError(f"{file.name}: the label of {name!r} is an integer from 0; got {text!r}")
    return None if text is None else int(text)
