"""Shrinking and center crop: how models of whole images are trained and evaluated."""

import numpy as np
from PIL import Image

from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizeCrop(Transform):
    """Bring the shorter side to a size, and cut the middle square; without aliasing.

    The image is halved by the mean of 2x2 pixels while its shorter side is at least twice the size, and then resized by
    the cubic kernel, wide where it shrinks: the preprocessing of ImageNet for ADM, DiT, SiT and LFM. Smaller images
    grow. A label map gets the class at the nearest place.

    Reference: Dhariwal and Nichol, 2021, Diffusion models beat GANs on image synthesis (arXiv:2105.05233).

    Args:
        size: Side of the square.
    """

    def __init__(self, *, size: int) -> None:
        if size < 1:
            raise ValueError(f"size must be 1 pixel or more; got {size}")
        self.size = size

    def __call__(self, sample: Sample, seed: int) -> Sample:
        del seed
        if "low" in sample:
            raise ValueError("ResizeCrop changes the sizes of pairs, and with them the scale: crop them instead")
        return {part: self._resized(pixels, part == "map") for part, pixels in sample.items()}

    def _resized(self, pixels: np.ndarray, nearest: bool) -> np.ndarray:
        image = Image.fromarray(pixels)
        width, height = image.size
        while min(width, height) >= 2 * self.size:
            width, height = width // 2, height // 2
            if not nearest:
                image = image.resize((width, height), Image.Resampling.BOX)
        scale = self.size / min(width, height)
        width, height = round(width * scale), round(height * scale)
        image = image.resize((width, height), Image.Resampling.NEAREST if nearest else Image.Resampling.BICUBIC)
        top, left = (height - self.size) // 2, (width - self.size) // 2
        return np.asarray(image)[top : top + self.size, left : left + self.size]
