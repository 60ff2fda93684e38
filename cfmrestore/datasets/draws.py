"""Sampler of an endless stream of training images, whatever the number of ranks."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol, runtime_checkable

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


@runtime_checkable
class Order(Protocol):
    """Indices of a dataset in the order of an epoch; not every index need be in it."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> int: ...


def shuffled(count: int, seed: int) -> list[int]:
    """A random permutation."""
    return torch.randperm(count, generator=Generator().manual_seed(seed)).tolist()


@DATA_SAMPLERS.register_module()
class DrawSampler(Sampler[Draw]):
    """Orders of the dataset, one an epoch, end to end; rank r of w takes every w-th draw.

    The order is the dataset's own (``order``), or a random permutation.

    The global batch of an iteration is the same whatever the number of ranks and workers. To resume, ``first`` is set
    to the number of draws that were used; nothing is replayed.

    Args:
        dataset: Anything with a length.
        seed: Seed of the orders.
        shuffle: Without, every epoch is in the order of the dataset.
    """

    def __init__(self, *, dataset: Any, seed: int = 0, shuffle: bool = True) -> None:
        if len(dataset) == 0:
            raise ValueError("the training dataset is empty")
        self.dataset = dataset
        self.seed, self.shuffle = seed or 0, shuffle
        self.rank, self.world_size = get_dist_info()
        self.first = 0
        self.size = len(self._order(0))

    def _order(self, epoch: int) -> Order:
        if not self.shuffle:
            return range(len(self.dataset))
        make: Callable[[int], Order] = getattr(self.dataset, "order", partial(shuffled, len(self.dataset)))
        return make(mix(self.seed, epoch))

    def __iter__(self) -> Iterator[Draw]:
        number, current = self.first + self.rank, -1
        order: Order = ()
        while True:
            epoch, place = divmod(number, self.size)
            if epoch != current:
                current, order = epoch, self._order(epoch)
            yield Draw(order[place], epoch, number)
            number += self.world_size

    def __len__(self) -> int:
        """Draws of this rank an epoch; the stream itself has no end."""
        return max(self.size // self.world_size, 1)
