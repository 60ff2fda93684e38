"""Gradient magnitude similarity deviation."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional.gmsd import gmsd
from cfmrestore.evaluation.metrics.base import ImageMetric, scale_of
from cfmrestore.registry import METRICS


@METRICS.register_module()
class GMSD(ImageMetric):
    """GMSD of the luma, mean over images; lower is better."""

    higher_is_better = False

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        a, b = (self.protocol.luma(x[None], scale_of(sample)) for x in (image, target))
        return float(gmsd(a, b))
