"""Intervals of differences, the Pareto front, and straightness: against known answers."""

import math

import numpy as np
import pytest
import torch

from cfmrestore.evaluation.functional.bootstrap import paired_interval
from cfmrestore.evaluation.functional.pareto import pareto_front
from cfmrestore.evaluation.functional.straightness import straightness


def test_the_interval_is_that_of_the_normal_law_for_many_images() -> None:
    differences = np.random.default_rng(1).normal(0.3, 2.0, 4000)
    low, high = paired_interval(differences, seed=3)
    half = 1.96 * differences.std() / math.sqrt(len(differences))
    assert low == pytest.approx(differences.mean() - half, abs=0.05 * half)
    assert high == pytest.approx(differences.mean() + half, abs=0.05 * half)
    assert paired_interval(differences, seed=3) == (low, high)
    narrow = paired_interval(differences, level=0.5, seed=3)
    assert low < narrow[0] < narrow[1] < high


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = [
        low <= 1 <= high for low, high in (paired_interval(rng.exponential(1, 80), samples=400) for _ in range(400))
    ]
    assert 0.9 < np.mean(held) < 0.97  # percentile intervals of skewed laws are a little too short


def test_intervals_of_few_images() -> None:
    assert paired_interval(np.array([0.5, 0.5, 0.5])) == (0.5, 0.5)
    for keys, message in (
        ({}, "two images or more"),
        ({"level": 1.0}, "0 < level < 1"),
        ({"samples": 3}, "100 samples"),
    ):
        with pytest.raises(ValueError, match=message):
            paired_interval(np.zeros(1 if not keys else 5), **keys)


def test_the_front() -> None:
    costs, qualities = [1, 2, 2, 4, 8, 4], [10.0, 12.0, 11.0, 12.0, 15.0, 13.0]
    assert pareto_front(costs, qualities) == [0, 1, 5, 4]
    assert pareto_front(costs, [-q for q in qualities], higher_is_better=False) == [0, 1, 5, 4]
    assert pareto_front([1, 1], [3.0, 3.0]) == [0]


def test_straightness_of_known_flows() -> None:
    x_0 = torch.randn(3, 2, 4, 4, dtype=torch.float64)
    assert straightness(lambda x, t: torch.ones_like(x), x_0).abs().max() < 1e-12
    # v = 1 + b cos(2 pi t): the mean is 1 and the variance b^2 / 2, exactly so on an even grid
    wave = straightness(lambda x, t: torch.ones_like(x) * (1 + 0.6 * torch.cos(2 * math.pi * t)), x_0)
    assert torch.allclose(wave, torch.full((3,), 0.18, dtype=torch.float64))
    # v = x: x_t = e^t x_0, so the mean is e - 1 and the mean square (e^2 - 1) / 2
    growth = straightness(lambda x, t: x, x_0, num_steps=4096)
    mean = math.e - 1
    assert torch.allclose(growth, torch.full_like(growth, (math.e**2 - 1) / 2 / mean**2 - 1), rtol=2e-3)
