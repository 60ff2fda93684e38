"""Distance in the features of a classifier, weighted by people."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional import lpips
from cfmrestore.evaluation.metrics.base import ImageMetric, as_file
from cfmrestore.registry import METRICS


@METRICS.register_module()
class LPIPS(ImageMetric):
    """LPIPS of the whole image as an 8-bit file, mean over images; lower is better.

    Args:
        protocol: How images are compared; here the same for all.
        net: "alex", "vgg" or "squeeze".
        weights: File with torchvision's weights of that network, or its folder; without it, torch's cache. "random" are
            seeded random weights.
    """

    higher_is_better = False

    def __init__(self, *, protocol: str = "classic_y", net: str = "alex", weights: str | None = None) -> None:
        super().__init__(protocol=protocol)
        self.net, self.weights = net, weights

    @cached_property
    def network(self) -> lpips.LPIPS:
        return lpips.LPIPS(self.net, self.weights)

    def prepare(self) -> None:
        self.network  # noqa: B018 - missing weights show before anything is measured

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del sample
        assert target is not None
        return float(self.network(as_file(image)[None], as_file(target)[None]))
