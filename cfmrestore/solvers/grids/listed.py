"""Time grid of given times."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cfmrestore.registry import GRIDS
from cfmrestore.solvers.base import check_monotonic
from cfmrestore.solvers.grids.base import TimeGrid


@GRIDS.register_module()
class ListedGrid(TimeGrid):
    """Any list of times that rises from 0 to 1; another number of intervals is interpolated from it.

    Args:
        times: The times, from 0 to 1.
    """

    def __init__(self, *, times: Sequence[float]) -> None:
        self.times = torch.tensor(times, dtype=torch.float64, device="cpu")  # also of a model without memory
        self.default_intervals = len(self.times) - 1
        check_monotonic(self.times)
        if self.times[0] != 0 or self.times[-1] != 1:
            raise ValueError(f"times must rise from 0 to 1; got {list(times)}")

    def warp(self, u: Tensor) -> Tensor:
        position = u * (len(self.times) - 1)
        left = position.floor().long().clamp_max(len(self.times) - 2)
        return torch.lerp(self.times[left], self.times[left + 1], position - left)
