"""Every registered path is the curve of its equations."""

import pytest
import torch

from cfmrestore.contracts.paths import CONTRACT, check_conversions, check_derivative, check_ends
from cfmrestore.paths import GVP, Linear, Path
from cfmrestore.plugins import ContractError
from cfmrestore.registry import PATHS
from cfmrestore.typing import Coefficients

PATHS.import_from_location()
PATHS_TO_TEST = [(name, keys) for name in sorted(PATHS.module_dict) for keys in CONTRACT.cases_of(name)]


@pytest.mark.parametrize(("name", "keys"), PATHS_TO_TEST)
@pytest.mark.parametrize("check", CONTRACT.checks)
def test_contract(name: str, keys: dict, check) -> None:
    check(CONTRACT.make(name, keys))


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
    with pytest.raises(ContractError):
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
