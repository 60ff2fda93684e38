"""torchvision's AlexNet."""

from cfmrestore.features.pooled_backbone import PooledBackbone
from cfmrestore.registry import FEATURES


@FEATURES.register_module()
class AlexNet(PooledBackbone):
    """torchvision's AlexNet, as ``PooledBackbone``: five depths, 1152 numbers.

    Reference: Krizhevsky, 2014 (arXiv:1404.5997).
    """

    net = "alex"
