"""Every registered path is the curve of its equations."""

import pytest
import torch

from cfmrestore.paths import GVP, Linear, Path
from cfmrestore.registry import PATHS
from cfmrestore.typing import Coefficients

PATHS.import_from_location()
VARIANTS = {"Linear": [{}, {"sigma_min": 0.1}]}
PATHS_TO_TEST = [(name, keys) for name in sorted(PATHS.module_dict) for keys in VARIANTS.get(name, [{}])]


def ends() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x_0, x_1 = torch.randn(2, 5, 3, 4, 4, generator=generator, dtype=torch.float64)
    return x_0, x_1, torch.tensor([0.05, 0.3, 0.5, 0.8, 0.95], dtype=torch.float64)


def check_derivative(path: Path) -> None:
    x_0, x_1, t = ends()
    h = 1e-6
    ahead, behind = path.sample(x_0, x_1, t + h)[0], path.sample(x_0, x_1, t - h)[0]
    assert torch.allclose((ahead - behind) / (2 * h), path.sample(x_0, x_1, t)[1], atol=1e-7)


def check_ends(path: Path) -> None:
    x_0, x_1, _ = ends()
    start, end = (path.sample(x_0, x_1, torch.full((5,), t, dtype=torch.float64))[0] for t in (0.0, 1.0))
    assert torch.allclose(start, getattr(path, "alpha_0", 0.0) * x_1 + getattr(path, "sigma_0", 1.0) * x_0)
    assert torch.allclose(end, x_1 + getattr(path, "sigma_min", 0.0) * x_0)


def check_conversions(path: Path) -> None:
    x_0, x_1, t = ends()
    x_t, v = path.sample(x_0, x_1, t)
    law = {"mean": torch.full_like(x_0, 0.3), "std": torch.full_like(x_0, 0.7)}
    assert torch.allclose(path.velocity_to_data(v, x_t, t), x_1)
    assert torch.allclose(path.velocity_to_source(v, x_t, t), x_0)
    assert torch.allclose(path.data_to_velocity(x_1, x_t, t), v)
    assert torch.allclose(path.source_to_velocity(x_0, x_t, t), v)
    score = path.velocity_to_score(v, x_t, t, **law)
    assert torch.allclose(path.score_to_velocity(score, x_t, t, **law), v)


@pytest.mark.parametrize(("name", "keys"), PATHS_TO_TEST)
@pytest.mark.parametrize("check", [check_derivative, check_ends, check_conversions])
def test_contract(name: str, keys: dict, check) -> None:
    check(PATHS.build({"type": name, **keys}))


class WrongDerivative(Linear):
    """Says that sigma falls half as fast as it does."""

    def coefficients(self, t):
        c = super().coefficients(t)
        return Coefficients(c.alpha, c.sigma, c.d_alpha, c.d_sigma / 2)


class Backwards(GVP):
    """Runs from data to source."""

    def coefficients(self, t):
        c = super().coefficients(1 - t)
        return Coefficients(c.alpha, c.sigma, -c.d_alpha, -c.d_sigma)


class WrongDeterminant(Linear):
    """Forgets the sign of the data."""

    def velocity_to_data(self, v, x_t, t):
        return -super().velocity_to_data(v, x_t, t)


@pytest.mark.parametrize(
    ("check", "mutant"),
    [(check_derivative, WrongDerivative), (check_ends, Backwards), (check_conversions, WrongDeterminant)],
)
def test_contract_rejects_its_mutants(check, mutant: type[Path]) -> None:
    with pytest.raises(AssertionError):
        check(mutant())


@pytest.mark.parametrize("path", [Linear(), Linear(sigma_min=0.2), GVP()], ids=["linear", "sigma_min", "gvp"])
def test_score_of_a_gaussian_is_exact(path: Path) -> None:
    """x_0 ~ N(a, b^2), x_1 ~ N(m, s^2): p_t is normal and its score is known."""
    a, b, m, s = 1.2, 0.5, -0.4, 0.3
    x = torch.linspace(-2, 2, 50, dtype=torch.float64)[:, None]
    for time in (0.1, 0.5, 0.9):
        t = torch.full((50,), time, dtype=torch.float64)
        c = path.coefficients(t[0])
        mean, variance = c.alpha * m + c.sigma * a, (c.alpha * s) ** 2 + (c.sigma * b) ** 2
        slope = (c.d_alpha * c.alpha * s**2 + c.d_sigma * c.sigma * b**2) / variance
        v = c.d_alpha * m + c.d_sigma * a + slope * (x - mean)
        law = {"mean": torch.full_like(x, a), "std": torch.full_like(x, b)}
        assert torch.allclose(path.velocity_to_score(v, x, t, **law), -(x - mean) / variance)


def test_gvp_keeps_the_variance() -> None:
    c = GVP().coefficients(torch.linspace(0, 1, 11, dtype=torch.float64))
    assert torch.allclose(c.alpha**2 + c.sigma**2, torch.ones(11, dtype=torch.float64))


def test_sigma_min_is_checked() -> None:
    with pytest.raises(ValueError, match="sigma_min"):
        Linear(sigma_min=1.0)
