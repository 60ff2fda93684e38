"""Every registered grid rises from 0 to 1."""

import pytest
import torch

from cfmrestore.registry import GRIDS
from cfmrestore.solvers.grids import ListedGrid, ShiftedGrid, TimeGrid, UniformGrid

GRIDS.import_from_location()
NEEDED = {"ListedGrid": {"times": [0.0, 0.1, 0.5, 1.0]}}


def check_grid(grid: TimeGrid) -> None:
    for n in (1, 2, 7, 40):
        times = grid(n)
        assert times.shape == (n + 1,)
        assert times.dtype == torch.float64
        assert times[0] == 0
        assert times[-1] == 1
        assert (times.diff() > 0).all()


@pytest.mark.parametrize("name", sorted(GRIDS.module_dict))
def test_contract(name: str) -> None:
    check_grid(GRIDS.build({"type": name, **NEEDED.get(name, {})}))


class Stopping(UniformGrid):
    """Ends before the data."""

    def warp(self, u):
        return 0.99 * u


def test_contract_rejects_its_mutant() -> None:
    with pytest.raises(AssertionError):
        check_grid(Stopping())


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
