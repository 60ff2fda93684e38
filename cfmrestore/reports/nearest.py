"""The nearest known pictures of generated ones: summary, table and sheet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cfmrestore.datasets import ImageDataset, ImageFolder
from cfmrestore.engine.panels import caption, framed, stack, to_pixels
from cfmrestore.evaluation.functional.neighbors import Neighbors, nearest_neighbors
from cfmrestore.evaluation.metrics.base import size_of, text_of_size
from cfmrestore.evaluation.metrics.feature_space import FeatureSpace
from cfmrestore.registry import DATASETS
from cfmrestore.reports.markdown import format_number
from cfmrestore.suggestions import nearest as nearest_name
from cfmrestore.typing import Size

_PART = 512  # training pictures that are compared at once
_CELL = 64  # pixels: smaller pictures are enlarged in the sheet


def open_pictures(where: str | Path) -> ImageDataset:
    """A folder of images, or a dataset by its name and split."""
    if Path(where).is_dir():
        return ImageFolder(data_root=str(where))
    name, _, split = str(where).partition(":")
    DATASETS.import_from_location()
    if name not in DATASETS.module_dict:
        known = nearest_name(name, [key for key, cls in DATASETS.module_dict.items() if issubclass(cls, ImageDataset)])
        raise ValueError(f"there is no folder {str(where)!r}, and no dataset {name!r}; {known}")
    data: ImageDataset = DATASETS.build({"type": name, **({"split": split} if split else {})})
    return data


@dataclass(frozen=True)
class Pictures:
    """Pictures, and the space in which they are compared: pixels, or features."""

    data: ImageDataset
    space: FeatureSpace | None

    def __len__(self) -> int:
        return len(self.data)

    def image(self, index: int) -> Tensor:
        """In [0, 1]."""
        return self.data[index]["inputs"]["high"].float() / 255

    def points(self, size: Size) -> Iterator[Tensor]:
        """All of them as rows of tensors, some at a time; pixels are compared of pictures of one size."""
        for first in range(0, len(self), _PART):
            yield torch.stack([self._point(index, size) for index in range(first, min(first + _PART, len(self)))])

    def _point(self, index: int, size: Size) -> Tensor:
        image, name = self.image(index), self.data.name(index)
        if self.space is not None:
            return self.space.of(image, name)[0]
        if size_of(image) != size:
            raise ValueError(
                f"{name} has {text_of_size(image)} pixels, another picture {size[0]}x{size[1]}: compare pictures of "
                "one size, or --features"
            )
        return 255 * image.flatten() / image.numel() ** 0.5

    def search(self, known: "Pictures", k: int) -> Neighbors:
        """The nearest of the others to each of these."""
        size = size_of(self.image(0))
        return nearest_neighbors(torch.cat(list(self.points(size))), known.points(size), k)


def summarize(sets: dict[str, Neighbors]) -> dict[str, Any]:
    """Median and minimum of the distances of each set; how many generated pictures are nearer than all held-out ones.

    Were both of one law, a picture would be nearer than all of m held-out ones with probability 1 / (m + 1).
    """
    summary: dict[str, Any] = {
        name: {
            "pictures": len(found.distances),
            "median": float(found.distances[:, 0].median()),
            "minimum": float(found.distances[:, 0].min()),
        }
        for name, found in sets.items()
    }
    if "held out" in sets:
        limit = summary["held out"]["minimum"]
        summary["closer"] = int((sets["generated"].distances[:, 0] < limit).sum())
        summary["closer_by_chance"] = summary["generated"]["pictures"] / (summary["held out"]["pictures"] + 1)
    return summary


def table_lines(summary: dict[str, Any]) -> list[list[str]]:
    sets = {name: numbers for name, numbers in summary.items() if isinstance(numbers, dict)}
    columns = ("pictures", "median", "minimum")
    return [[name, *(format_number(numbers[key]) for key in columns)] for name, numbers in sets.items()]


def sheet(made: Pictures, known: Pictures, found: Neighbors, chosen: Sequence[int]) -> np.ndarray:
    """A row a picture: itself, then its neighbors with their distances."""
    rows = []
    for index in chosen:
        cells = [(PurePosixPath(made.data.name(index)).stem, made.image(index))]
        for distance, neighbor in zip(found.distances[index].tolist(), found.indices[index].tolist(), strict=True):
            cells.append((f"{distance:.3g}", known.image(neighbor)))
        shown = [(text, _enlarged(to_pixels(image))) for text, image in cells]
        height = max(pixels.shape[0] for _, pixels in shown)
        parts = [np.concatenate([caption(text, pixels.shape[1]), _padded(pixels, height)]) for text, pixels in shown]
        rows.append(np.concatenate([framed(part, part.shape[1] + 2) for part in parts], axis=1))
    return stack(rows)


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    factor = -(-_CELL // min(pixels.shape[:2]))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _padded(pixels: np.ndarray, height: int) -> np.ndarray:
    return np.pad(pixels, [(0, height - pixels.shape[0]), (0, 0), (0, 0)], constant_values=255)
