"""Steps between points of the teacher's own ways."""

from typing import Any

import torch

from cfmrestore.flows.losses.base import Loss, Prediction, per_image
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.registry import LOSSES, SOLVERS
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class Trajectory(Loss):
    r"""What the teacher's solver does between two of its times, in one step.

    .. math:: \left\| u(x_t, t, r) - \frac{x_r - x_t}{r - t} \right\|^2

    with :math:`x_t, x_r` of the teacher's solution from the start of the training path. So what is learned has neither
    variance nor bias but the solver's; it costs all evaluations of the solver.

    Args:
        solver: Of the teacher's ways.
        num_intervals: Of equal length.
        weight: Factor on it in the sum of losses.
    """

    needs_teacher = True
    needs_flow_map = True

    def __init__(self, *, solver: Any = None, num_intervals: int = 16, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if num_intervals < 1:
            raise ValueError(f"num_intervals is a positive number; got {num_intervals}")
        self.solver, self.num_intervals = SOLVERS.build(solver or {"type": "Heun"}), num_intervals

    def __call__(self, prediction: Prediction) -> PerImage:
        assert prediction.teacher is not None
        points = [prediction.pair.source.x_0]
        grid = torch.linspace(0, 1, self.num_intervals + 1)
        with torch.no_grad():
            self.solver.solve(prediction.teacher, points[0], grid, on_step=lambda step: points.append(step.x))
        way, images = torch.stack(points), torch.arange(len(points[0]))
        a, b = (prediction.rng.fork("steps").uniform(2) * (self.num_intervals + 1)).long().unbind(dim=1)
        first = torch.minimum(a, b).clamp_max(self.num_intervals - 1)
        last = torch.maximum(torch.maximum(a, b), first + 1).clamp_max(self.num_intervals)
        x_t, x_r = way[first, images], way[last, images]
        t, r = (grid[index].to(x_t) for index in (first, last))
        mean = (x_r - x_t) / expand_as(r - t, x_t)
        return per_image((prediction.network(x_t, t, r) - mean).square())
