"""Distance in the features of EfficientNet-Lite0."""

from collections.abc import Callable

from cfmrestore.evaluation.metrics.feature_space import load_extractor
from cfmrestore.evaluation.metrics.network import NetworkMetric
from cfmrestore.registry import METRICS
from cfmrestore.typing import Image, PerImage


@METRICS.register_module()
class FeatureDistance(NetworkMetric):
    """The distance at five depths of EfficientNet-Lite0, as LPIPS but not fitted to what people see; lower is better.

    Args:
        protocol: How images are compared; here the same for all.
        features: The feature extractor, one that has maps of several depths.
        weights: File with its weights, or its folder; without it, those of the installed package.
    """

    def __init__(
        self, *, protocol: str = "classic_y", features: str = "EfficientNetLite", weights: str | None = None
    ) -> None:
        super().__init__(protocol=protocol)
        self.features, self.weights = features, weights

    @property
    def name(self) -> str:
        return "FeatureDistance" + (f" ({self.features})" if self.features != "EfficientNetLite" else "")

    def load(self) -> Callable[[Image, Image], PerImage]:
        return load_extractor(self.features, self.weights).distance
