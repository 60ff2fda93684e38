"""torchvision's VGG16."""

from cfmrestore.features.pooled_backbone import PooledBackbone
from cfmrestore.registry import FEATURES


@FEATURES.register_module()
class VGG16(PooledBackbone):
    """torchvision's VGG16, as ``PooledBackbone``: five depths, 1472 numbers.

    Reference: Simonyan and Zisserman, 2015 (arXiv:1409.1556).
    """

    net = "vgg"
