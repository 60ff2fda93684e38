"""Logistic regression whose answer is known."""

import pytest
import torch
from torch import Tensor

from cfmrestore.editing.separator import balanced_accuracy, fit_separator

SHIFT, SCALE = torch.tensor([1.0, 0.5, 0.0, 0.0]).double(), torch.tensor([1.0, 0.3, 2.0, 0.5]).double()


def two_clouds(count: int = 4000, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Gaussian points around -shift and shift, of one covariance."""
    positive = torch.arange(count) % 2 == 0
    noise = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * SCALE
    return noise + torch.where(positive[:, None], SHIFT, -SHIFT) + 0.7, positive


def cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / a.norm() / b.norm())


def test_its_normal_is_that_of_the_likelihood_ratio() -> None:
    """Of Gaussians of one covariance the logit is linear, with the weights S^-1 (m_1 - m_0)."""
    points, positive = two_clouds()
    found = fit_separator(points, positive)
    assert float(found.normal.norm()) == pytest.approx(1)
    assert cosine(found.normal, SHIFT / SCALE**2) > 0.999
    middle = torch.full((1, 4), 0.7, dtype=torch.float64)
    assert abs(float(found.distance(middle))) < 0.02
    assert balanced_accuracy(found.distance(points), positive) > 0.95


def test_a_heavy_penalty_leaves_the_difference_of_the_means() -> None:
    points, positive = two_clouds()
    found = fit_separator(points, positive, [1e4])
    assert cosine(found.normal, points[positive].mean(0) - points[~positive].mean(0)) > 1 - 1e-6


def test_a_turn_of_the_points_turns_the_normal() -> None:
    points, positive = two_clouds(200)
    turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)).double()).Q
    one, other = fit_separator(points, positive), fit_separator(points @ turn.T, positive)
    assert torch.allclose(turn @ one.normal, other.normal, atol=1e-6)
    assert one.intercept == pytest.approx(other.intercept, abs=1e-6)


def test_more_dimensions_than_points() -> None:
    points, positive = two_clouds(120)
    wide = torch.cat([points, torch.randn(120, 3000, generator=torch.Generator().manual_seed(2)).double() * 0.1], dim=1)
    found = fit_separator(wide, positive)
    assert cosine(found.normal[:4], SHIFT / SCALE**2) > 0.8
    fresh, labels = two_clouds(1000, seed=5)
    assert balanced_accuracy(fresh @ found.normal[:4] + found.intercept, labels) > 0.9


def test_a_rare_attribute_counts_as_much_as_its_absence() -> None:
    points, positive = two_clouds()
    few = ~positive | (torch.arange(len(points)) % 20 == 0)
    found = fit_separator(points[few], positive[few])
    middle = torch.full((1, 4), 0.7, dtype=torch.float64)
    assert abs(float(found.distance(middle))) < 0.1
    assert balanced_accuracy(torch.ones(10), torch.arange(10) < 9) == 0.5


def test_too_few_images_are_refused() -> None:
    points, positive = two_clouds(100)
    keep = ~positive | (torch.arange(100) < 6)
    with pytest.raises(ValueError, match="10 images or more on each side; got 3 with the attribute and 50 without"):
        fit_separator(points[keep], positive[keep])
    with pytest.raises(ValueError, match="all points are the same"):
        fit_separator(torch.ones(40, 3), torch.arange(40) < 20)
