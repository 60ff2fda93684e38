"""Real pictures, of which some are measured as generated ones are."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Generator, Tensor

from cfmrestore.datasets import ImageDataset
from cfmrestore.registry import DATASETS


class RealPictures:
    """A dataset, and a draw from it.

    Args:
        dataset: Its config.
        seed: Of the draw.
    """

    def __init__(self, dataset: dict[str, Any], seed: int) -> None:
        self.config, self.seed = dataset, seed

    @cached_property
    def dataset(self) -> ImageDataset:
        built: ImageDataset = DATASETS.build(self.config)
        return built

    @cached_property
    def by_class(self) -> dict[int, list[int]]:
        """The numbers of the pictures of each class."""
        found: dict[int, list[int]] = {}
        for index in range(len(self.dataset)):
            if (label := self.dataset.label(index)) is None:
                raise ValueError("what is measured has classes, and the baseline has none: give a dataset with labels")
            found.setdefault(label, []).append(index)
        return found

    def draw(self, labels: Sequence[int | None]) -> Iterator[tuple[str, Tensor]]:
        """Numbers and images in [0, 1], one of each class that is asked for, or of any (None).

        Each is drawn apart from the others, as generated pictures are, and may come again: many different ones of a
        set that has not many more lie nearer to its law than independent draws of that law do.
        """
        generator = Generator().manual_seed(self.seed)
        for number, label in enumerate(labels):
            if label is not None and label not in self.by_class:
                raise ValueError(f"the baseline has no picture of class {label}")
            among = range(len(self.dataset)) if label is None else self.by_class[label]
            index = among[int(torch.randint(len(among), (), generator=generator))]
            yield str(number), self.dataset[index]["inputs"]["high"].float() / 255
