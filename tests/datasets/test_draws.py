"""The stream of draws does not depend on who draws."""

from itertools import islice

import pytest

from cfmrestore.datasets import Draw, DrawSampler


def draws(count: int, first: int = 0, rank: int = 0, world_size: int = 1, **keys) -> list[Draw]:
    sampler = DrawSampler(dataset=range(7), **keys)
    sampler.first, sampler.rank, sampler.world_size = first, rank, world_size
    return list(islice(sampler, count))


def test_every_epoch_is_a_permutation_and_each_is_another() -> None:
    epochs = [[d.image for d in draws(21)[i : i + 7]] for i in (0, 7, 14)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert [d.epoch for d in draws(21)] == [0] * 7 + [1] * 7 + [2] * 7


def test_ranks_share_the_stream() -> None:
    together = draws(20)
    for world_size in (2, 4, 5):
        parts = [draws(20 // world_size, rank=r, world_size=world_size) for r in range(world_size)]
        assert [d for group in zip(*parts, strict=True) for d in group] == together


def test_starting_anywhere_goes_on_where_the_stream_was() -> None:
    assert draws(10, first=13) == draws(23)[13:]
    assert next(iter(draws(1, first=10**12))).number == 10**12


def test_seeds_and_shuffling() -> None:
    assert draws(7, seed=1) != draws(7, seed=2)
    assert [d.image for d in draws(14, shuffle=False)] == list(range(7)) * 2
    with pytest.raises(ValueError, match="empty"):
        DrawSampler(dataset=[])
