"""Requests of pictures that are to be generated: sizes and classes, and no pictures."""

import torch
from torch import Tensor

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.registry import DATASETS
from cfmrestore.typing import Size


@DATASETS.register_module()
class GenerationRequests(ImageDataset):
    """So many requests of one size, each with a seed of its own, for an evaluation of what a model generates.

    ``inputs`` of a sample holds "size", height and width, and "label" where there are classes.

    Args:
        count: How many.
        size: Side of the pictures, or height and width, in pixels.
        classes: Number of classes, which are asked for in turn.
        seed: The run's seed; the runner gives it.
    """

    def __init__(self, *, count: int, size: int | Size, classes: int | None = None, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self.count, self.classes = count, classes
        self.size: Size = (size, size) if isinstance(size, int) else (size[0], size[1])
        if count < 1 or min(self.size) < 1 or (classes is not None and classes < 1):
            raise ValueError(
                f"GenerationRequests has counts, sides and classes of 1 or more; got {count=}, {size=}, {classes=}"
            )

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"{index:05d}"

    def label(self, index: int) -> int | None:
        return None if self.classes is None else index % self.classes

    def inputs(self, index: int, seed: int) -> dict[str, Tensor]:
        del seed
        label = self.label(index)
        return {"size": torch.tensor(self.size), **({} if label is None else {"label": torch.tensor(label)})}
