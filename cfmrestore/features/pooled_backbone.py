"""Features of the classifiers by which LPIPS is defined, as of any extractor."""

from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.features.backbones import KINDS, Backbone
from cfmrestore.features.base import Extractor, enlarged
from cfmrestore.typing import Image

_MEAN, _STD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of images in [-1, 1]
_SIDE = 64


class PooledBackbone(Extractor):
    """A backbone's maps at the depths of LPIPS, with its scaling of an image; the feature is their means over places.

    An image whose shorter side is below 64 pixels is enlarged bicubically by the least integer that makes it 64 or
    more. There are no classes.

    Args:
        weights: File with torchvision's weights, or its folder; None is torch's cache, and "random" seeded random
            weights.
    """

    net: ClassVar[str]
    shift: Tensor
    scale: Tensor

    def __init__(self, weights: str | Path | None = None) -> None:
        super().__init__()
        self.backbone = Backbone(self.net, weights)
        for name, values in (("shift", _MEAN), ("scale", _STD)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        self.dim = sum(KINDS[self.net].channels)
        self.freeze()

    @classmethod
    def load(cls, weights: str | Path | None = None) -> "PooledBackbone":
        return cls(weights)

    def maps(self, image: Image) -> list[Float[Tensor, "b _ _ _"]]:
        """The maps after the last ReLU, or fire module, of each stage."""
        maps: list[Tensor] = self.backbone((2 * enlarged(image, _SIDE) - 1 - self.shift) / self.scale)
        return maps

    def forward(self, image: Image) -> Float[Tensor, "b d"]:
        return torch.cat([y.mean(dim=(-2, -1)) for y in self.maps(image)], dim=1)
