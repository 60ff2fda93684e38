"""The flow-matching objective."""

from cfmrestore.flows.losses.base import Loss, Prediction, per_image
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class MSE(Loss):
    r""":math:`\| v(x_t, t) - \dot{x}_t \|^2`, averaged over the elements of an image.

    Reference: Lipman et al., 2023, equation 9 (arXiv:2210.02747).
    """

    def __call__(self, prediction: Prediction) -> PerImage:
        return per_image((prediction.v - prediction.dx_t).square())
