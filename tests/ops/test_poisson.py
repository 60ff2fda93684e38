"""Poisson numbers from uniform ones."""

import pytest
import torch

from cfmrestore.ops.poisson import poisson


@pytest.mark.parametrize("peak", [1, 4, 128, 256])
def test_the_count_is_the_inverse_of_the_distribution(peak: int) -> None:
    """F(k) > u >= F(k - 1), with F from the incomplete gamma function."""
    torch.manual_seed(0)
    level, u = torch.randint(0, 256, (50_000,)), torch.rand(50_000)
    u[:100], u[100:200] = 0, 1 - 2**-24
    k, rate = poisson(level, u, peak=peak).double(), (level * peak / 255).double().clamp_min(1e-300)
    assert (torch.special.gammaincc(k + 1, rate) > u - 1e-6).all()
    below = torch.special.gammaincc(k.clamp_min(1), rate)
    assert ((k == 0) | (below <= u + 1e-6)).all()


@pytest.mark.parametrize("level", [0, 1, 20, 255])
def test_mean_and_variance_are_the_rate(level: int) -> None:
    torch.manual_seed(1)
    k, rate = poisson(torch.full((400_000,), level), torch.rand(400_000), peak=256), level * 256 / 255
    assert float(k.mean()) == pytest.approx(rate, rel=5e-3, abs=1e-6)
    assert float(k.var()) == pytest.approx(rate, rel=2e-2, abs=1e-6)
