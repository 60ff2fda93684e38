"""Natural image quality evaluator."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional.niqe import niqe
from cfmrestore.evaluation.metrics.base import ImageMetric, rounded_scale
from cfmrestore.registry import METRICS


@METRICS.register_module()
class NIQE(ImageMetric):
    """NIQE as basicsr computes it, mean over images; lower is better.

    Of whole images where no scale is known, by which a protocol could cut a border.
    """

    higher_is_better = False
    needs_target = False

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del target
        luma = self.protocol.luma(image[None], rounded_scale(sample) or 0)
        try:
            return float(niqe(luma))
        except ValueError as error:
            raise ValueError(f"{sample.get('name')!r}: {error}: leave niqe out, or give larger pictures") from error
