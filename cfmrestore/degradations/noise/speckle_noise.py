"""Speckle noise, in proportion to the brightness."""

import torch

from cfmrestore.degradations.noise.gaussian_noise import GaussianNoise, NoiseParams
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image


@DEGRADATIONS.register_module()
class SpeckleNoise(GaussianNoise):
    """``x + x * n`` with ``n = sigma * N(0, 1)``, the multiplicative noise of coherent light; it may leave [0, 1].

    Args:
        sigma: Range of the standard deviation on white, drawn uniformly, where white is 255.
        gray_probability: How often all channels get the same n.
    """

    def noise_level(self, params: NoiseParams) -> None:
        return None

    def apply(self, image: Image, params: NoiseParams) -> Image:
        n = super().apply(torch.zeros_like(image), params)
        return image + image * n
