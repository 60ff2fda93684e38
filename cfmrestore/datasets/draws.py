"""Sampler of an endless stream of training images, whatever the number of ranks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from mmengine.dist import get_dist_info
from torch import Generator
from torch.utils.data import Sampler

from cfmrestore.ops.rng import mix
from cfmrestore.registry import DATA_SAMPLERS


class Draw(NamedTuple):
    """One place in the stream: which image, in which epoch, and how many came before."""

    image: int
    epoch: int
    number: int


@DATA_SAMPLERS.register_module()
class DrawSampler(Sampler[Draw]):
    """Permutations of the dataset, one an epoch, end to end; rank r of w takes every w-th draw.

    The global batch of an iteration is the same whatever the number of ranks and workers. To resume, ``first`` is set
    to the number of draws that were used; nothing is replayed.

    Args:
        dataset: Anything with a length.
        seed: Seed of the permutations.
        shuffle: Without, every epoch is in the order of the dataset.
    """

    def __init__(self, *, dataset: Any, seed: int = 0, shuffle: bool = True) -> None:
        self.size = len(dataset)
        if self.size == 0:
            raise ValueError("the training dataset is empty")
        self.seed, self.shuffle = seed or 0, shuffle
        self.rank, self.world_size = get_dist_info()
        self.first = 0

    def _order(self, epoch: int) -> list[int]:
        if not self.shuffle:
            return list(range(self.size))
        return torch.randperm(self.size, generator=Generator().manual_seed(mix(self.seed, epoch))).tolist()

    def __iter__(self) -> Iterator[Draw]:
        number, current, order = self.first + self.rank, -1, [0]
        while True:
            epoch, place = divmod(number, self.size)
            if epoch != current:
                current, order = epoch, self._order(epoch)
            yield Draw(order[place], epoch, number)
            number += self.world_size

    def __len__(self) -> int:
        """Draws of this rank an epoch; the stream itself has no end."""
        return max(self.size // self.world_size, 1)
