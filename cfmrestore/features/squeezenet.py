"""torchvision's SqueezeNet 1.1."""

from cfmrestore.features.pooled_backbone import PooledBackbone
from cfmrestore.registry import FEATURES


@FEATURES.register_module()
class SqueezeNet(PooledBackbone):
    """torchvision's SqueezeNet 1.1, as ``PooledBackbone``: seven depths, 2240 numbers.

    Reference: Iandola et al., 2016 (arXiv:1602.07360).
    """

    net = "squeeze"
