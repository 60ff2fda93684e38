"""Order of an epoch over sharded data: shuffled, reading few shards at a time, and never stored."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import torch
from torch import Generator

from cfmrestore.ops.permutation import Permutation
from cfmrestore.ops.rng import mix


class ShardOrder:
    r"""A permutation of the entries of shards: shards in random order, entries in random order inside windows of them.

    The shards are put in a random order, :math:`s_1, s_2, \ldots`; where the first entry of a shard lies in another
    window of W places than that of the shard before it, a block begins. Place p of the epoch lies in one block, of m
    entries from place a on, and is the entry at :math:`a + \pi(p - a)` with a permutation :math:`\pi` of m numbers that
    is computed (``Permutation``). A block is read from its own shards alone, while memory holds two numbers a shard.

    Args:
        counts: Entries of each shard.
        seed: Which order; of an epoch's own.
        window: W; what is read at the same time has about so many entries, or is one shard.
    """

    def __init__(self, counts: Sequence[int], seed: int, window: int) -> None:
        self.shards = _randperm(len(counts), mix(seed, 0))
        self.first = [0, *accumulate(counts)]
        ordered = [counts[shard] for shard in self.shards]
        self.starts = [0, *accumulate(ordered)][:-1]
        self.size, self.seed = self.first[-1], seed
        fresh = [i for i, at in enumerate(self.starts) if not i or at // window != self.starts[i - 1] // window]
        self.blocks = [*(self.starts[i] for i in fresh), self.size]
        self._permutation = lru_cache(maxsize=4)(self._make)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, place: int) -> int:
        block = bisect_right(self.blocks, place) - 1
        begin = self.blocks[block]
        place = begin + self._permutation(block)[place - begin]
        turn = bisect_right(self.starts, place) - 1
        return self.first[self.shards[turn]] + place - self.starts[turn]

    def _make(self, block: int) -> Permutation:
        return Permutation(self.blocks[block + 1] - self.blocks[block], mix(self.seed, 1, block))


class BucketOrder:
    """Groups of entries of one size, each bucket in its own ``ShardOrder``, buckets taking turns at random.

    What is left of a bucket behind its last whole group waits for another epoch, in which others are left. Memory holds
    two numbers a group.

    Args:
        buckets: Entries of each shard, for each bucket; its entries are numbered behind those of the one before.
        seed: Which order.
        window: As of ``ShardOrder``.
        group: Entries that follow each other in one bucket: a whole batch, over all ranks.
    """

    def __init__(self, buckets: Sequence[Sequence[int]], seed: int, window: int, group: int) -> None:
        self.orders = [ShardOrder(counts, mix(seed, 2, number), window) for number, counts in enumerate(buckets)]
        self.first = [0, *accumulate(len(order) for order in self.orders)]
        self.group = group
        sequence = [number for number, order in enumerate(self.orders) for _ in range(len(order) // group)]
        self.buckets = [sequence[place] for place in _randperm(len(sequence), mix(seed, 3))]
        seen = [0] * len(self.orders)
        self.turns = []
        for bucket in self.buckets:
            self.turns.append(seen[bucket])
            seen[bucket] += 1

    def __len__(self) -> int:
        return len(self.buckets) * self.group

    def __getitem__(self, place: int) -> int:
        group, rest = divmod(place, self.group)
        bucket = self.buckets[group]
        return self.first[bucket] + self.orders[bucket][self.turns[group] * self.group + rest]


def _randperm(count: int, seed: int) -> list[int]:
    return torch.randperm(count, generator=Generator().manual_seed(seed)).tolist()
