"""Structural similarity."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.metrics.base import ImageMetric, rounded_scale
from cfmrestore.registry import METRICS


@METRICS.register_module()
class SSIM(ImageMetric):
    """SSIM, mean over images."""

    needs_scale = True

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        return float(self.protocol.ssim(image[None], target[None], rounded_scale(sample)))
