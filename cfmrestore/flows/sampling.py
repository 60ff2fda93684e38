"""How a trained flow is walked at test time."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import GRIDS, SOLVERS
from cfmrestore.solvers.base import Solver
from cfmrestore.solvers.grids.base import TimeGrid


@dataclass(frozen=True)
class Restoration:
    """Restored images, and the network's evaluations that they took."""

    image: Tensor
    nfe: int


class Sampling:
    """A solver, a grid, and how many intervals it has.

    Args:
        solver: The solver.
        grid: The grid.
        num_intervals: Intervals of the grid; the evaluations are the solver's business.
        seed: Another one starts at other noise.
    """

    def __init__(
        self,
        *,
        solver: dict[str, Any] | Solver | None = None,
        grid: dict[str, Any] | TimeGrid | None = None,
        num_intervals: int = 4,
        seed: int = 0,
    ) -> None:
        self.solver: Solver = SOLVERS.build(solver or {"type": "Euler"})
        self.grid: TimeGrid = GRIDS.build(grid or {"type": "UniformGrid"})
        if not isinstance(num_intervals, int) or num_intervals < 1:
            raise ValueError(f"sampling.num_intervals must be a positive integer; got {num_intervals!r}")
        self.num_intervals, self.seed = num_intervals, seed

    def fork(self, rng: ImageRng) -> ImageRng:
        """The generators of a restoration."""
        return rng.fork("flow" if self.seed == 0 else f"flow {self.seed}")
