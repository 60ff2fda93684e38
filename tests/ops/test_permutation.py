"""Permutations that are computed: one-to-one for every size, and as spread as random ones."""

from collections import Counter

import pytest

from cfmrestore.ops.permutation import Permutation


@pytest.mark.parametrize("size", [*range(1, 70), 255, 256, 257, 1000, 4097])
def test_every_number_comes_once(size: int) -> None:
    for seed in (0, 1):
        order = Permutation(size, seed)
        assert sorted(order[place] for place in range(len(order))) == list(range(size))


def test_a_seed_is_an_order() -> None:
    orders = [[Permutation(100, seed)[place] for place in range(100)] for seed in (3, 3, 4)]
    assert orders[0] == orders[1] != orders[2]


def test_any_place_of_a_huge_one_is_found_at_once() -> None:
    order = Permutation(10**15, 7)
    found = {order[place] for place in range(10**15 - 500, 10**15)}
    assert len(found) == 500
    assert all(0 <= number < 10**15 for number in found)
    with pytest.raises(IndexError, match="no place among"):
        order[10**15]
    with pytest.raises(ValueError, match="1 number or more"):
        Permutation(0, 0)


@pytest.mark.parametrize("size", [4, 50])
def test_numbers_are_uniform_over_seeds(size: int) -> None:
    """Where number 0 comes, and how the one behind it differs: chi-square within five deviations."""
    draws, where, steps = 3000, Counter(), Counter()
    for seed in range(draws):
        order = Permutation(size, seed)
        where[order[0]] += 1
        steps[(order[1] - order[0]) % size] += 1
    for counts, cells in ((where, size), (steps, size - 1)):
        mean = draws / cells
        chi = sum((counts[n] - mean) ** 2 / mean for n in (range(size) if cells == size else range(1, size)))
        assert abs(chi - cells) < 5 * (2 * cells) ** 0.5, (size, chi)
