"""Solver base class: integrates a velocity over a grid of times, in the only loop over it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.plugins import broken
from cfmrestore.typing import Diffusion, Grid, Latent, Time, Velocity


@dataclass(frozen=True)
class Step:
    """What is reported after each interval of the grid."""

    index: int
    t: Tensor
    x: Tensor
    nfe: int


@dataclass(frozen=True)
class Solution:
    """The end point, and the number of function evaluations that were counted on the way."""

    x: Tensor
    nfe: int


class Solver(ABC):
    r"""Integrates :math:`\dot{x}_t = v(x_t, t)` over a grid of times, forward or backward."""

    order: ClassVar[int]
    """Global order: the error falls as h^order."""

    evals_per_step: ClassVar[int]
    """Function evaluations an interval."""

    needs_flow_map: ClassVar[bool] = False
    """Whether the velocity is asked for its mean until the end of the step, u(x, t, r)."""

    dial: bool = False
    """Whether a fidelity between 0 and 1 goes a part of the way, in place of mixing mean and sample."""

    startup_evals: ClassVar[int] = 0
    """Function evaluations beyond that, once a solve."""

    def nfe(self, num_intervals: int) -> int | None:
        """Function evaluations that a grid of so many intervals will cost; None where the error decides."""
        return self.startup_evals + self.evals_per_step * num_intervals

    def start(self, x: Latent, diffusion: Diffusion | None) -> Any:
        """The memory that the first step receives; most methods have none."""
        return None

    @abstractmethod
    def step(self, v: Velocity, x: Latent, t: Time, h: Time, memory: Any) -> tuple[Latent, Any]:
        """One interval of the grid, from t to t + h; h < 0 goes backward."""

    def solve(
        self,
        v: Velocity,
        x: Latent,
        grid: Grid,
        *,
        diffusion: Diffusion | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> Solution:
        """Carry x from the first time of the grid to the last.

        Args:
            v: The velocity.
            x: The point at ``grid[0]``.
            grid: Strictly monotonic times; a falling grid inverts.
            diffusion: The path and its source, for the methods that add noise.
            on_step: Called after each interval.
        """
        check_monotonic(grid)
        nfe = 0

        def counted(x: Tensor, *times: Tensor) -> Tensor:
            nonlocal nfe
            nfe += 1
            return v(x, *times)

        memory = self.start(x, diffusion)
        grid = grid.to(x.device, x.dtype, non_blocking=True)
        for index, (t, h) in enumerate(zip(grid[:-1], grid.diff(), strict=True)):
            shape = x.shape
            x, memory = self.step(counted, x, t, h, memory)
            if x.shape != shape:
                raise broken(self, "solver", f"step makes {tuple(x.shape)} of a point of {tuple(shape)}")
            if on_step is not None:
                on_step(Step(index, t + h, x, nfe))
        declared = self.nfe(len(grid) - 1)
        if declared not in (None, nfe):
            raise broken(
                self, "solver", f"{nfe} function evaluations were counted on {len(grid) - 1} intervals, {declared} are "
                "declared (evals_per_step, startup_evals, nfe)"
            )  # fmt: skip
        return Solution(x, nfe)


def check_monotonic(grid: Tensor) -> None:
    """Refuse a grid that stands still or turns back."""
    steps = grid.diff()
    if len(steps) == 0 or not (bool((steps > 0).all()) or bool((steps < 0).all())):
        raise ValueError(f"a grid needs two or more times, all rising or all falling; got {grid.tolist()}")
