"""The differential equation of a mean velocity."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cfmrestore.flows.losses.base import Prediction, per_image
from cfmrestore.flows.losses.flow_map import FlowMapLoss
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage

_DERIVATIVES = ("exact", "difference")


@LOSSES.register_module()
class MeanFlow(FlowMapLoss):
    r"""The Eulerian law of a flow map, as a regression.

    From :math:`(r - t)\, u = \int_t^r v\, ds` follows, differentiated along the flow in t,

    .. math::
        u(x_t, t, r) = v + (r - t)\, D_t u, \qquad D_t u = (v \cdot \nabla_x) u + \partial_t u ,

    whose right side, without gradients, is what u is drawn to. :math:`D_t u` is one forward-mode derivative with the
    tangents (v, 1, 0), or the central difference :math:`[u(x + \epsilon v, t + \epsilon, r) - u(x - \epsilon v, t -
    \epsilon, r)] / 2 \epsilon`, one-sided at the ends, which any network has. The two agree where the network is smooth
    over :math:`2 \epsilon`; one that embeds 1000 t is not, its exact derivative is large and of little use, and the
    difference, which smooths it, or ``Shortcut`` and ``RCGM`` serve it better. The error of an image is divided by
    :math:`(e + c)^p`, with e that error without gradients: at p = 1 all images with e far above c pull alike. It is a
    mean over an image's numbers, where the paper's is their sum: its c is c / n here, of n numbers.

    References: Geng et al., 2025, equations 6 and 10 (arXiv:2505.13447), whose clock runs from data to noise.

    Args:
        derivative: "exact" or "difference".
        epsilon: Half the width of the difference, in time.
        power: The exponent p.
        c: What is added to the mean error there.
        intervals, share, weight: As for ``FlowMapLoss``.
    """

    def __init__(
        self,
        *,
        derivative: str = "exact",
        epsilon: float = 0.005,
        power: float = 1.0,
        c: float = 0.01,
        intervals: Sequence[int] = (1, 2, 4),
        share: float = 0.25,
        weight: float = 1.0,
    ) -> None:
        super().__init__(intervals=intervals, share=share, weight=weight)
        if derivative not in _DERIVATIVES or not epsilon > 0 or not c > 0:
            raise ValueError(
                f"derivative is one of {', '.join(_DERIVATIVES)}, epsilon and c are positive; got {derivative!r}, "
                f"{epsilon} and {c}"
            )
        self.derivative, self.epsilon, self.power, self.c = derivative, epsilon, power, c

    def __call__(self, prediction: Prediction) -> PerImage:
        t, r = self.steps(prediction)
        x_t = prediction.at(t)
        with torch.no_grad():
            v = prediction.velocity(x_t, t)
            target = v + expand_as(r - t, x_t) * self._along_the_flow(prediction, x_t, t, r, v)
        error = per_image((prediction.network(x_t, t, r) - target).square())
        return error / (error.detach() + self.c) ** self.power

    def _along_the_flow(self, prediction: Prediction, x: Tensor, t: Tensor, r: Tensor, v: Tensor) -> Tensor:
        u = prediction.network
        if self.derivative == "exact":
            tangents = (v, torch.ones_like(t), torch.zeros_like(r))
            derivative: Tensor = torch.func.jvp(u, (x, t, r), tangents)[1]
            return derivative
        before, after = t.clamp(max=self.epsilon), (r - t).clamp(max=self.epsilon)  # within the times that are trained
        later = u(x + expand_as(after, x) * v, t + after, r)
        earlier = u(x - expand_as(before, x) * v, t - before, r)
        return (later - earlier) / expand_as((before + after).clamp_min(1e-6), x)
