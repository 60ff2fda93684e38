"""Peak signal-to-noise ratio."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.metrics.base import ImageMetric, rounded_scale
from cfmrestore.registry import METRICS


@METRICS.register_module()
class PSNR(ImageMetric):
    """PSNR in dB, mean over images; those that are equal to their targets are left out where theirs is infinite."""

    needs_scale = True

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        return float(self.protocol.psnr(image[None], target[None], rounded_scale(sample)))
