"""Agreement with the input."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional import prepare, psnr
from cfmrestore.evaluation.metrics.base import ImageMetric, size_of, text_of_size, whole_scale
from cfmrestore.ops.pad import crop_to
from cfmrestore.ops.resize import resize
from cfmrestore.registry import METRICS


@METRICS.register_module()
class LRConsistency(ImageMetric):
    """PSNR of the restoration shrunk by MATLAB's bicubic kernel, against the input, over all channels, in dB.

    An original of HxW shrinks by s to ceil(H / s) x ceil(W / s), its first pixel at the same place whatever its sides:
    so the restoration, cropped as the original is, shrinks by s itself and not by the ratio of its sides. What lies
    beyond s times the input was cut off before it was made, and is here. Where the sample does not name s and no
    integer fits, the input was resized to its size, and so is the restoration.

    Right for inputs that were made so; after another degradation it says how far the restoration moved away from the
    input, of which some is meant.
    """

    needs_target = False

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del target
        if "low" not in sample:
            raise ValueError(f"LRConsistency compares with the input, which {sample.get('name')!r} does not have")
        low, scale = sample["low"], whole_scale(sample)
        size = size_of(low)
        if scale is None:
            shrunk = resize(image[None], size=size)
        else:
            shrunk = resize(crop_to(image, (scale * size[0], scale * size[1]))[None], scale=1 / scale)
        if size_of(shrunk) != size:
            raise ValueError(
                f"{sample.get('name')!r} has {text_of_size(image)} pixels, which do not shrink to the "
                f"{text_of_size(low)} of its input at scale {scale}"
            )
        a, b = (prepare(x, channel="rgb") for x in (shrunk, low[None]))
        return float(psnr(a, b, epsilon=1e-8))
