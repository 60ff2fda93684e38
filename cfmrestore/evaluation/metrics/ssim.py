"""Structural similarity of restored images."""

from torch import Tensor

from cfmrestore.evaluation.functional import ssim
from cfmrestore.evaluation.metrics.base import ImageMetric
from cfmrestore.registry import METRICS
from cfmrestore.typing import PerImage


@METRICS.register_module()
class SSIM(ImageMetric):
    """SSIM, mean over images."""

    def measure(self, image: Tensor, target: Tensor) -> PerImage:
        return ssim(image, target)
