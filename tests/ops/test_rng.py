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
    rng = ImageRng([7])
    assert (
        rng.uniform(2).tolist()
        == [[(mix(7, n) >> 39) / 2**24 for n in range(2)]]
        == [[0.7215081453323364, 0.15589404106140137]]
    )
    assert rng.integers(0, 99, 3).tolist() == [[mix(7, n) % 100 for n in range(2, 5)]]
    assert ImageRng([7]).normal(2).tolist() == [[-0.1467950940132141, 0.7861412763595581]]  # torch's generator


def test_uniform_stays_in_its_range() -> None:
    draws = ImageRng(range(50)).uniform(100, low=2.0, high=3.0)
    assert 2 <= draws.min() < draws.max() < 3


def test_few_and_many_numbers_have_the_uniform_law() -> None:
    """Mean 1/2, variance 1/12, no correlation from one draw to the next or from one image to the next."""
    few = ImageRng(range(500))
    for u in (torch.stack([few.uniform(2) for _ in range(100)], 1).flatten(1), ImageRng(range(500)).uniform(200)):
        assert abs(float(u.mean()) - 0.5) < 0.005
        assert abs(float(u.var()) - 1 / 12) < 0.001
        centered = u - 0.5
        assert abs(float((centered[:, 1:] * centered[:, :-1]).mean())) < 0.001
        assert abs(float((centered[1:] * centered[:-1]).mean())) < 0.001


def test_integers_and_choices_have_their_shares() -> None:
    rng = ImageRng(range(6000))
    counts = torch.bincount(rng.integers(3, 5), minlength=6)
    assert counts[:3].sum() == 0
    assert (counts[3:] - 2000).abs().max() < 150
    chosen = torch.bincount(rng.choice([1, 0, 3]), minlength=3)
    assert chosen[1] == 0
    assert abs(int(chosen[2]) - 4500) < 150
