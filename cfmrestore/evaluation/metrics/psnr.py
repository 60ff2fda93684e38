"""Peak signal-to-noise ratio of restored images."""

from torch import Tensor

from cfmrestore.evaluation.functional import psnr
from cfmrestore.evaluation.metrics.base import ImageMetric
from cfmrestore.registry import METRICS
from cfmrestore.typing import PerImage


@METRICS.register_module()
class PSNR(ImageMetric):
    """PSNR in dB, mean over images."""

    def measure(self, image: Tensor, target: Tensor) -> PerImage:
        return psnr(image, target)
