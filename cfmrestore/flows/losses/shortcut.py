"""Steps that equal two of half their length."""

import torch

from cfmrestore.flows.losses.base import Prediction, per_image
from cfmrestore.flows.losses.flow_map import FlowMapLoss
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class Shortcut(FlowMapLoss):
    r"""The semigroup law of a flow map: a step is the mean of its halves.

    .. math::
        \left\| u(x_t, t, r) - \tfrac12 \left[ u(x_t, t, s) + u(x_s, s, r) \right] \right\|^2, \qquad
        s = \frac{t + r}{2}, \quad x_s = x_t + (s - t)\, u(x_t, t, s)

    without gradients of the bracket, which is said by the network as it is. It bootstraps from the velocity, u(x, t, t)
    = v, which ``MSE`` trains beside it, from data or a teacher. Three evaluations, one of them with gradients.

    References: Frans et al., 2024, equation 5 (arXiv:2410.12557).

    Args:
        intervals, share, weight: As for ``FlowMapLoss``.
    """

    def __call__(self, prediction: Prediction) -> PerImage:
        u, (t, r) = prediction.network, self.steps(prediction)
        x_t, s = prediction.at(t), (t + r) / 2
        with torch.no_grad():
            first = u(x_t, t, s)
            second = u(x_t + expand_as(s - t, x_t) * first, s, r)
        return per_image((u(x_t, t, r) - (first + second) / 2).square())
