"""Structure and texture in the features of a classifier."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional import dists
from cfmrestore.evaluation.metrics.base import ImageMetric, as_file
from cfmrestore.registry import METRICS


@METRICS.register_module()
class DISTS(ImageMetric):
    """DISTS of the whole image as an 8-bit file, mean over images; lower is better.

    Args:
        protocol: How images are compared; here the same for all.
        weights: File with the weights of DISTS, or its folder; without it, torch's cache.
        backbone: File with torchvision's weights of VGG16, or its folder; without it, that of ``weights``, or the
            cache. "random" are seeded random weights.
    """

    higher_is_better = False

    def __init__(self, *, protocol: str = "classic_y", weights: str | None = None, backbone: str | None = None) -> None:
        super().__init__(protocol=protocol)
        folder = weights if weights is not None and Path(weights).is_dir() else None
        self.weights, self.backbone = weights, backbone or folder

    @cached_property
    def network(self) -> dists.DISTS:
        return dists.DISTS(self.backbone, weights=self.weights)

    def prepare(self) -> None:
        self.network  # noqa: B018 - missing weights show before anything is measured

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del sample
        assert target is not None
        return float(self.network(as_file(image)[None], as_file(target)[None]))
