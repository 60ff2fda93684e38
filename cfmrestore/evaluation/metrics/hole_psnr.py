"""Peak signal-to-noise ratio in the holes of an inpainting."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.metrics.base import ImageMetric, as_file
from cfmrestore.registry import METRICS


@METRICS.register_module()
class HolePSNR(ImageMetric):
    r"""PSNR of the hole H alone, in dB over its pixels and colors as an 8-bit file, mean over images.

    .. math:: -10 \log_{10} \frac{1}{3 |H|} \sum_{p \in H} \| x_p - y_p \|^2
    """

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        assert target is not None
        if "mask" not in sample:
            raise ValueError(f"HolePSNR is of holes, and {sample.get('name')!r} has no mask")
        error = (as_file(image) - as_file(target)).double()[:, sample["mask"][0] >= 0.5].square()
        mse = float(error.mean()) if error.numel() else 0.0
        return -10 * math.log10(mse) if mse > 0 else math.inf
