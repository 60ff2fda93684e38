"""One end for all points of a way."""

import torch

from cfmrestore.flows.losses.base import Loss, Prediction, per_image
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class Consistency(Loss):
    r"""A flow map that leads to t = 1 from wherever on a way it is asked.

    .. math::
        \left\| f(x_t, t) - f(x_{t + 1/N}, t + 1/N) \right\|^2, \qquad f(x, t) = x + (1 - t)\, u(x, t, 1)

    without gradients of the second, which is said by the network as it is. The next point is a step of the teacher's
    velocity, or without a teacher the next one of the same training path: then what is learned has no variance only
    where paths do not cross.

    Reference: Song et al., 2023 (arXiv:2303.01469); Yang et al., 2024, for flows (arXiv:2407.02398).

    Args:
        steps: Steps N of the whole way.
        weight: Factor on it in the sum of losses.
    """

    needs_flow_map = True

    def __init__(self, *, steps: int = 32, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if steps < 1:
            raise ValueError(f"steps is a positive number; got {steps}")
        self.steps = steps

    def __call__(self, prediction: Prediction) -> PerImage:
        u = prediction.network
        t = (prediction.t * self.steps).floor().clamp_max(self.steps - 1) / self.steps
        x_t, after, end = prediction.at(t), t + 1 / self.steps, torch.ones_like(t)
        with torch.no_grad():
            teacher = prediction.teacher
            x = prediction.at(after) if teacher is None else x_t + teacher(x_t, t) / self.steps
            target = x + expand_as(end - after, x) * u(x, after, end)
        return per_image((x_t + expand_as(end - t, x_t) * u(x_t, t, end) - target).square())
