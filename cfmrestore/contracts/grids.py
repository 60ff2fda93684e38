"""Contract of time grids: they rise from 0 to 1."""

import torch

from cfmrestore.contracts.base import Contract, require
from cfmrestore.registry import GRIDS
from cfmrestore.solvers.grids.base import TimeGrid


def check_grid(grid: TimeGrid) -> None:
    """Any number of intervals rises from 0 to 1, in float64."""
    for n in (1, 2, 7, 40):
        times = grid(n)
        require(times.shape == (n + 1,), f"{n} intervals are {len(times)} times: warp each u to one time")
        require(times.dtype == torch.float64, f"times are {times.dtype}: compute in float64, the type of u")
        require(times[0] == 0 and times[-1] == 1, f"{n} intervals run from {float(times[0])} to {float(times[-1])}")
        require((times.diff() > 0).all(), f"{n} intervals do not rise: {times.tolist()}")


def check_default(grid: TimeGrid) -> None:
    """Without a number it has its default number of intervals."""
    found = len(grid()) - 1
    require(
        found == grid.default_intervals >= 1, f"default_intervals is {grid.default_intervals}, and there are {found}"
    )


CONTRACT = Contract(
    GRIDS, TimeGrid, (check_grid, check_default), cases={"ListedGrid": [{"times": [0.0, 0.1, 0.5, 1.0]}]}
)
