"""Images with and without an attribute: of a table, of two folders, or of a dataset by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cfmrestore.datasets import ImageDataset
from cfmrestore.registry import DATASETS


@dataclass(frozen=True)
class Labelled:
    """Images, whether each has the attribute, and their classes where they have some.

    Args:
        images: (n, 3, h, w) in [0, 1].
        positive: Which have the attribute.
        labels: Classes.
        others: By name, other attributes that are known of all of them, each shown by some and not by others.
    """

    images: Tensor
    positive: Tensor
    labels: Tensor | None
    others: dict[str, Tensor] = field(default_factory=dict)


def labelled_images(
    data: Sequence[str | Path],
    attribute: str,
    *,
    against: str | None = None,
    table: str | Path | None = None,
    size: int | None = None,
    count: int = 1000,
) -> Labelled:
    """Images with an attribute and without it, in turn, as many of the one as of the other.

    Args:
        data: A folder of images with a table, the name of a dataset that knows attributes, or two folders: of images
            with the attribute and of images without.
        attribute: Its name.
        against: The attribute of those without; by default not to have it.
        table: The table of a folder; by default the CSV file in it.
        size: Side of the middle square to which images are brought.
        count: How many in all, at most.
    """
    pipeline: list[dict[str, Any]] = [] if size is None else [{"type": "ResizeCrop", "size": size}]
    if len(data) == 2:
        return _of_folders(data, pipeline, count)
    dataset = _dataset(data[0], pipeline, table, count)
    sides: tuple[list[int], list[int]] = ([], [])
    known: set[str] = set()
    for index in range(len(dataset)):
        shown = dataset.attributes(index)
        known |= shown.keys()
        if attribute in shown and (against is None or against in shown):
            has = shown[attribute]
            lacks = shown[against] if against is not None else None if has is None else not has
            if bool(has) != bool(lacks):
                sides[0 if has else 1].append(index)
    if missing := {attribute, against or attribute} - known:
        told = ", ".join(sorted(known)) or "none: give --table"
        raise ValueError(f"{str(data[0])!r} knows no attribute {', '.join(sorted(missing))}; it knows {told}")
    return _gather([(dataset, sides[0]), (dataset, sides[1])], count)


def _dataset(place: str | Path, pipeline: list[dict[str, Any]], table: str | Path | None, count: int) -> ImageDataset:
    if Path(place).is_dir():
        folder = {"type": "AttributeFolder", "data_root": str(place), "table": table and str(table)}
        return _built({**folder, "pipeline": pipeline})
    DATASETS.import_from_location()
    cls = DATASETS.get(str(place)) if str(place).isidentifier() else None
    if cls is None or cls.attributes is ImageDataset.attributes or cls.__name__ == "AttributeFolder":
        raise ValueError(f"{str(place)!r} is no folder, and no dataset that knows attributes, as Avatars and Digits do")
    return _built({"type": str(place), "pipeline": pipeline})


def _built(config: dict[str, Any]) -> ImageDataset:
    dataset = DATASETS.build(config)
    assert isinstance(dataset, ImageDataset)
    return dataset


def _of_folders(data: Sequence[str | Path], pipeline: list[dict[str, Any]], count: int) -> Labelled:
    folders = [_built({"type": "ImageFolder", "data_root": str(root), "pipeline": pipeline}) for root in data]
    return _gather([(folder, list(range(len(folder)))) for folder in folders], count)


def _gather(sides: Sequence[tuple[ImageDataset, list[int]]], count: int) -> Labelled:
    """As many of both, in turn."""
    each = min(count // 2, *(len(numbers) for _, numbers in sides))
    if each < 1:
        found = " and ".join(str(len(numbers)) for _, numbers in sides)
        raise ValueError(f"a boundary lies between two sets of images; found {found} of them")
    images, labels, shown = [], [], []
    for n in range(each):
        for dataset, numbers in sides:
            inputs = dataset[numbers[n]]["inputs"]
            images.append(inputs["high"])
            labels.append(inputs.get("label"))
            shown.append(dataset.attributes(numbers[n]))
    if len({image.shape for image in images}) > 1:
        raise ValueError("images of a boundary have one size: give --size")
    known = torch.stack(labels).long() if all(label is not None for label in labels) else None
    positive = torch.tensor([True, False]).repeat(each)
    return Labelled(torch.stack(images).float() / 255, positive, known, _others(shown, positive))


def _others(shown: Sequence[Mapping[str, bool | None]], positive: Tensor) -> dict[str, Tensor]:
    """Attributes that are known of all images, shown by a tenth to nine tenths of them, and not the one itself."""
    found = {}
    for name in shown[0]:
        values = [one.get(name) for one in shown]
        if any(value is None for value in values):
            continue
        has = torch.tensor([bool(value) for value in values])
        agrees = float((has == positive).double().mean())
        if 0.1 <= float(has.double().mean()) <= 0.9 and 0.1 < agrees < 0.9:
            found[name] = has
    return found
