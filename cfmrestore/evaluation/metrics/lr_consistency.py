"""Whether a restoration still is one of its input."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional import prepare, psnr
from cfmrestore.evaluation.metrics.base import ImageMetric
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.resize import resize
from cfmrestore.registry import METRICS


@METRICS.register_module()
class LRConsistency(ImageMetric):
    """PSNR of the restoration shrunk by MATLAB's bicubic kernel, against the input, over all channels, in dB.

    Right for inputs that were made so; after another degradation it says how far the restoration moved away from the
    input, of which some is meant.
    """

    needs_target = False

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del target
        if "low" not in sample:
            raise ValueError(f"LRConsistency compares with the input, which {sample.get('name')!r} does not have")
        low = sample["low"]
        size = (low.shape[-2], low.shape[-1])
        if image.shape[-2:] != low.shape[-2:]:
            image = crop_to(resize(image[None], scale=low.shape[-2] / image.shape[-2])[0], size)
        a, b = (prepare(x[None], channel="rgb") for x in (image, low))
        return float(psnr(a, b, epsilon=1e-8))
