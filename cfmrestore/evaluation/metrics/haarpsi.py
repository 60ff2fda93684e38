"""HaarPSI of restored images."""

from torch import Tensor

from cfmrestore.evaluation.functional.haarpsi import haarpsi
from cfmrestore.evaluation.metrics.kinds import LumaMetric
from cfmrestore.registry import METRICS
from cfmrestore.typing import PerImage


@METRICS.register_module()
class HaarPSI(LumaMetric):
    """HaarPSI, mean over images: in color where the protocol compares colors, otherwise of the luma."""

    in_color = True

    def compare(self, image: Tensor, target: Tensor) -> PerImage:
        return haarpsi(image, target)
