"""Every registered grid rises from 0 to 1."""

import pytest
import torch

from cfmrestore.contracts.grids import CONTRACT, check_default, check_grid
from cfmrestore.plugins import ContractError
from cfmrestore.registry import GRIDS
from cfmrestore.solvers.grids import ListedGrid, ShiftedGrid, UniformGrid

GRIDS.import_from_location()


@pytest.mark.parametrize("check", CONTRACT.checks)
@pytest.mark.parametrize("name", sorted(GRIDS.module_dict))
def test_contract(name: str, check) -> None:
    check(CONTRACT.make(name, CONTRACT.cases_of(name)[0]))


class Stopping(UniformGrid):
    """Ends before the data."""

    def warp(self, u):
        return 0.99 * u


class Falling(UniformGrid):
    """Turns back on the way."""

    def warp(self, u):
        return u + 0.5 * (4 * torch.pi * u).sin()


class Hollow(UniformGrid):
    """Has none by default."""

    default_intervals = 0

    def __call__(self, num_intervals=None):
        return super().__call__(num_intervals or 1)


@pytest.mark.parametrize(("check", "mutant"), [(check_grid, Stopping), (check_grid, Falling), (check_default, Hollow)])
def test_contract_rejects_its_mutants(check, mutant: type[UniformGrid]) -> None:
    with pytest.raises(ContractError):
        check(mutant())


def test_the_shift_is_that_of_the_paper() -> None:
    """Esser et al. shift the noise level 1 - t: sigma' = s sigma / (1 + (s - 1) sigma)."""
    t, shifted = UniformGrid()(10), ShiftedGrid(shift=3.0)(10)
    assert torch.allclose(1 - shifted, 3 * (1 - t) / (1 + 2 * (1 - t)))


def test_a_list_is_kept_and_interpolated() -> None:
    grid = ListedGrid(times=[0.0, 0.2, 1.0])
    assert grid().tolist() == [0.0, 0.2, 1.0]
    assert torch.allclose(grid(4), torch.tensor([0.0, 0.1, 0.2, 0.6, 1.0], dtype=torch.float64))


@pytest.mark.parametrize("times", [[0.0], [0.5, 0.2], [0.0, 1.2], [0.1, 1.0]])
def test_bad_lists(times: list[float]) -> None:
    with pytest.raises(ValueError, match="ris"):
        ListedGrid(times=times)
