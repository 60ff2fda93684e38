"""Multi-scale structural similarity of restored images."""

from torch import Tensor

from cfmrestore.evaluation.functional.ms_ssim import ms_ssim
from cfmrestore.evaluation.metrics.kinds import LumaMetric
from cfmrestore.registry import METRICS
from cfmrestore.typing import PerImage


@METRICS.register_module()
class MSSSIM(LumaMetric):
    """MS-SSIM of the luma, mean over images; they need 176 pixels a side."""

    def compare(self, image: Tensor, target: Tensor) -> PerImage:
        return ms_ssim(image, target)
