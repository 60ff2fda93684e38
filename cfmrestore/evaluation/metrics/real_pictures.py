"""Real pictures, of which some are measured as generated ones are."""

from collections.abc import Iterator
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

    def check(self, count: int) -> None:
        """Refuse a number that is not there."""
        if count > len(self.dataset):
            raise ValueError(
                f"the baseline has {len(self.dataset)} pictures, and {count} are measured: take a larger one, or fewer"
            )

    def draw(self, count: int) -> Iterator[tuple[str, Tensor]]:
        """Names and images in [0, 1] of so many different ones."""
        self.check(count)
        order = torch.randperm(len(self.dataset), generator=Generator().manual_seed(self.seed))
        for index in order[:count].tolist():
            sample = self.dataset[index]
            yield sample["data_samples"]["name"], sample["inputs"]["high"].float() / 255
