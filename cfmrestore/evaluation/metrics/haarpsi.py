"""Similarity in Haar wavelets."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional.haarpsi import haarpsi
from cfmrestore.evaluation.metrics.base import ImageMetric, scale_of
from cfmrestore.registry import METRICS


@METRICS.register_module()
class HaarPSI(ImageMetric):
    """HaarPSI of the luma, mean over images."""

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        a, b = (self.protocol.luma(x[None], scale_of(sample)) for x in (image, target))
        return float(haarpsi(a, b))
