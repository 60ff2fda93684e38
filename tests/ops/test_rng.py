"""Randomness that belongs to an image."""

import torch

from cfmrestore.ops.rng import ImageRng, key_of, mix


def test_an_image_draws_the_same_in_any_batch() -> None:
    for draw in (
        lambda r: r.normal(3),
        lambda r: r.uniform(2, low=-1),
        lambda r: r.integers(0, 9, 4),
        ImageRng.new_seeds,
    ):
        assert torch.equal(draw(ImageRng([1, 2, 3]))[1:2], draw(ImageRng([2])))


def test_forks_are_independent_of_what_was_drawn() -> None:
    one, other = ImageRng([1]), ImageRng([1])
    one.normal(100)
    assert torch.equal(one.fork("a").normal(5), other.fork("a").normal(5))
    assert not torch.equal(one.fork("a").normal(5), one.fork("b").normal(5))


def test_mix_is_stable_and_spreads() -> None:
    assert mix(1, 2, 3) == mix(1, 2, 3)
    assert mix(1, 2) != mix(2, 1)
    assert len({mix(0, n) for n in range(10_000)}) == 10_000
    assert all(0 <= mix(-n, n) < 2**63 for n in range(100))
    bits = torch.tensor([[mix(7, n) >> k & 1 for k in range(63)] for n in range(4000)]).double()
    assert (bits.mean(0) - 0.5).abs().max() < 0.05


def test_known_values() -> None:
    """Promises: a change would give every image another crop, degradation and noise."""
    assert key_of("photo.png") == 1172103306188449293  # blake2b
    assert mix(0) == 0xE220A8397B1DCDAF >> 1  # the first output of splitmix64 from state 0


def test_uniform_stays_in_its_range() -> None:
    draws = ImageRng(range(50)).uniform(100, low=2.0, high=3.0)
    assert 2 <= draws.min() < draws.max() < 3
