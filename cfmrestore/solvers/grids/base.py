"""Time grid base class: what every grid promises."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from cfmrestore.plugins import broken
from cfmrestore.typing import Grid


class TimeGrid(ABC):
    """Rising times from 0 to 1: a warp of equal intervals that keeps both ends."""

    default_intervals: int = 4
    """Number of intervals by default."""

    @abstractmethod
    def warp(self, u: Tensor) -> Tensor:
        """The time of each u in [0, 1]; monotonic, with 0 and 1 fixed."""

    def __call__(self, num_intervals: int | None = None) -> Grid:
        """``num_intervals + 1`` times in float64; flip them to go backward."""
        num_intervals = self.default_intervals if num_intervals is None else num_intervals
        if num_intervals < 1:
            raise ValueError(f"need at least one interval; got {num_intervals}")
        times = self.warp(torch.linspace(0, 1, num_intervals + 1, dtype=torch.float64))
        if len(times) != num_intervals + 1 or times[0] != 0 or times[-1] != 1:
            raise broken(self, "grid", f"{num_intervals} intervals of it are {times.tolist()}, not from 0 to 1")
        return times
