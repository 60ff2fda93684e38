"""The differential equation of a mean velocity, by a short step of the flow and a few of the map."""

from collections.abc import Sequence

import torch

from cfmrestore.flows.losses.base import Prediction, per_image
from cfmrestore.flows.losses.flow_map import FlowMapLoss
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage

_SHORTEST = 1e-6  # of what is divided by: of a step of no length, u is drawn to v


@LOSSES.register_module()
class RCGM(FlowMapLoss):
    r"""A flow map whose end does not change along the flow, by finite differences.

    One short step of the velocity and then N steps of the map lead to the end that the map should reach at once,

    .. math::
        e = u(x_t, t, r) - v - \frac{r - t - \delta}{\delta}
        \left[ \bar u(x_t + \delta v, t + \delta, r) - u(x_t, t, r) \right]

    with :math:`\bar u` the mean velocity of those N steps. e is :math:`(r - t) / \delta` times the distance of u from
    what these steps say; for :math:`\delta \to 0` and N = 1 it is the residual of ``MeanFlow``. u is drawn to
    :math:`u - \mathrm{clip}(e, \pm c \max(|v|, |u - v|))`, without gradients there, with :math:`|v|` the root mean
    square of an image's v: of a path from the input, whose velocities are a tenth of those from noise, the residual is
    as many times smaller, and a bound that does not know it is none. A step shorter than :math:`\delta` is one of v
    alone.

    References: Sun and Lin, 2025 (RCGM), and Wu et al., 2026 (VOSR), whose N = 2 is the default, and their clip of 1
    for velocities from noise, of 1.4.

    The velocity is a teacher's: of single training paths, whose velocities scatter by more than c, clipped residuals
    would average to something else.

    Args:
        delta: Length of the short step.
        count: Steps N of the map.
        clip: Bound c on e, in root mean squares of v, or of u - v.
        intervals, share, weight: As for ``FlowMapLoss``.
    """

    needs_teacher = True

    def __init__(
        self,
        *,
        delta: float = 0.01,
        count: int = 2,
        clip: float = 0.7,
        intervals: Sequence[int] = (1, 2, 4),
        share: float = 0.25,
        weight: float = 1.0,
    ) -> None:
        super().__init__(intervals=intervals, share=share, weight=weight)
        if not 0 < delta < 1 or count < 1 or not clip > 0:
            raise ValueError(f"delta lies in (0, 1), count and clip are positive; got {delta}, {count} and {clip}")
        self.delta, self.count, self.clip = delta, count, clip

    def __call__(self, prediction: Prediction) -> PerImage:
        network, (t, r) = prediction.network, self.steps(prediction)
        x_t, delta = prediction.at(t), (r - t).clamp(max=self.delta)
        u = network(x_t, t, r)
        with torch.no_grad():
            v = prediction.velocity(x_t, t)
            x = near = x_t + expand_as(delta, x_t) * v
            h = (r - t - delta) / self.count
            for step in range(self.count):
                here = t + delta + step * h
                x = x + expand_as(h, x) * network(x, here, here + h)
            # (r - t - delta) / delta * (mean - u), without a division by what is left of the way
            difference = (x - near - expand_as(r - t - delta, x) * u) / expand_as(delta.clamp_min(_SHORTEST), x)
            size = torch.maximum(per_image(v.square()), per_image((u - v).square())).sqrt()
            bound = expand_as(self.clip * size, v)
            target = u - (u - v - difference).clamp(-bound, bound)
        return per_image((u - target).square())
