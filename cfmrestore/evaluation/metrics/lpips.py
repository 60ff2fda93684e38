"""Learned perceptual image patch similarity."""

from cfmrestore.evaluation.functional.lpips import LPIPSNetwork
from cfmrestore.evaluation.metrics.network import NetworkMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class LPIPS(NetworkMetric):
    """LPIPS of the whole image as an 8-bit file, mean over images; lower is better.

    Args:
        protocol: How images are compared; here the same for all.
        net: "alex", "vgg" or "squeeze".
        weights: File with torchvision's weights of that network, or its folder; without it, torch's cache. "random" are
            seeded random weights.
    """

    def __init__(self, *, protocol: str = "classic_y", net: str = "alex", weights: str | None = None) -> None:
        super().__init__(protocol=protocol)
        self.net, self.weights = net, weights

    def load(self) -> LPIPSNetwork:
        return LPIPSNetwork(self.net, self.weights)
