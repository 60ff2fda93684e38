"""Steps between points of the teacher's own ways."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cfmrestore.flows.losses.base import Loss, Prediction, per_image
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import GRIDS, LOSSES, SOLVERS
from cfmrestore.solvers.grids.base import TimeGrid
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class Trajectory(Loss):
    r"""What the teacher's solver does between two of its times, in one step.

    .. math:: \left\| u(x_t, t, r) - \frac{x_r - x_t}{r - t} \right\|^2

    with :math:`x_t, x_r` of the teacher's solution from the start of the training path. So what is learned has neither
    variance nor bias but the solver's; it costs all evaluations of the solver.

    Args:
        solver: Of the teacher's ways.
        grid: Of their times.
        num_intervals: Of that grid; None takes its own number.
        steps: Numbers K of steps that are trained: each goes over as many of those intervals as there are for it. None
            trains steps between any two of the times.
        weight: Factor on it in the sum of losses.
    """

    needs_teacher = True
    needs_flow_map = True

    def __init__(
        self,
        *,
        solver: Any = None,
        grid: Any = None,
        num_intervals: int | None = 16,
        steps: Sequence[int] | None = None,
        weight: float = 1.0,
    ) -> None:
        super().__init__(weight=weight)
        self.solver = SOLVERS.build(solver or {"type": "Heun"})
        self.grid: TimeGrid = GRIDS.build(grid or {"type": "UniformGrid"})
        self.num_intervals = num_intervals
        self.count = num_intervals or self.grid.default_intervals
        if steps is not None and any(k < 1 or self.count % k for k in steps):
            raise ValueError(f"steps are numbers that divide {self.count}, the intervals of the grid; got {steps}")
        self.steps = None if steps is None else tuple(steps)

    def __call__(self, prediction: Prediction) -> PerImage:
        assert prediction.teacher is not None
        points, grid = [prediction.pair.source.x_0], self.grid(self.num_intervals)
        with torch.no_grad():
            self.solver.solve(prediction.teacher, points[0], grid, on_step=lambda step: points.append(step.x))
        way, images = torch.stack(points), torch.arange(len(points[0]))
        first, last = self._steps(prediction.rng.fork("steps"))
        x_t, x_r = way[first, images], way[last, images]
        t, r = (grid[index].to(x_t, non_blocking=True) for index in (first, last))
        mean = (x_r - x_t) / expand_as(r - t, x_t)
        return per_image((prediction.network(x_t, t, r) - mean).square())

    def _steps(self, rng: ImageRng) -> tuple[Tensor, Tensor]:
        """Numbers of the times between which each image's step goes."""
        count = self.count
        one, other = rng.uniform(2).unbind(dim=1)
        if self.steps is None:
            a, b = (one * (count + 1)).long(), (other * (count + 1)).long()
            first = torch.minimum(a, b).clamp_max(count - 1)
            return first, torch.maximum(torch.maximum(a, b), first + 1).clamp_max(count)
        k = torch.tensor(self.steps)[(one * len(self.steps)).long().clamp_max(len(self.steps) - 1)]
        n = (other * k).long().clamp_max(k - 1)
        return n * count // k, (n + 1) * count // k
