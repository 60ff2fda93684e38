"""Deep image structure and texture similarity."""

from pathlib import Path

from cfmrestore.evaluation.functional.dists import DISTSNetwork
from cfmrestore.evaluation.metrics.network import NetworkMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class DISTS(NetworkMetric):
    """DISTS of the whole image as an 8-bit file, mean over images; lower is better.

    Args:
        protocol: How images are compared; here the same for all.
        weights: File with the weights of DISTS, or its folder; without it, torch's cache.
        backbone: File with torchvision's weights of VGG16, or its folder; without it, that of ``weights``, or the
            cache. "random" are seeded random weights.
    """

    def __init__(self, *, protocol: str = "classic_y", weights: str | None = None, backbone: str | None = None) -> None:
        super().__init__(protocol=protocol)
        folder = weights if weights is not None and Path(weights).is_dir() else None
        self.weights, self.backbone = weights, backbone or folder

    def load(self) -> DISTSNetwork:
        return DISTSNetwork(self.backbone, weights=self.weights)
