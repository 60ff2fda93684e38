"""The distance of what a flow map makes from the data."""

from cfmrestore.flows.losses.base import Loss, Prediction, per_image
from cfmrestore.registry import LOSSES
from cfmrestore.typing import PerImage


@LOSSES.register_module()
class TargetMSE(Loss):
    r""":math:`\| \hat x_1 - x_1 \|^2` of the end to which a flow map leads from the start of the training path.

    Alone it makes a regression of the map; beside losses that ask for detail it keeps that detail where the data is, as
    SinSR and TSD-SR do.

    References: Wang et al., 2024 (arXiv:2311.14760); Dong et al., 2024 (arXiv:2411.18263).

    Args:
        steps: Steps of the flow map, of equal length; 0 is one step whose dial stands anywhere
            (``FlowMapEuler.solve_towards``).
        weight: Factor on it in the sum of losses.
    """

    needs_flow_map = True

    def __init__(self, *, steps: int = 1, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if steps < 0:
            raise ValueError(f"steps is a number of steps, or 0; got {steps}")
        self.steps = steps

    def __call__(self, prediction: Prediction) -> PerImage:
        end = prediction.end(self.steps) if self.steps else prediction.dialed
        return per_image((end - prediction.pair.x_1).square())
