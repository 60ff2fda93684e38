"""Structural similarity over scales."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional.ms_ssim import ms_ssim
from cfmrestore.evaluation.metrics.base import ImageMetric, scale_of
from cfmrestore.registry import METRICS


@METRICS.register_module()
class MSSSIM(ImageMetric):
    """MS-SSIM of the luma, mean over images; they need 176 pixels a side."""

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        a, b = (self.protocol.luma(x[None], scale_of(sample)) for x in (image, target))
        return float(ms_ssim(a, b))
