"""Gradient magnitude similarity deviation of restored images."""

from torch import Tensor

from cfmrestore.evaluation.functional.gmsd import gmsd
from cfmrestore.evaluation.metrics.kinds import LumaMetric
from cfmrestore.registry import METRICS
from cfmrestore.typing import PerImage


@METRICS.register_module()
class GMSD(LumaMetric):
    """GMSD of the luma, mean over images; lower is better."""

    higher_is_better = False

    def compare(self, image: Tensor, target: Tensor) -> PerImage:
        return gmsd(image, target)
