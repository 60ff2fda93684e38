"""Vignetting: corners darker than the middle."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Degradation, Range, check_range, check_share
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.transfer import sent_to
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image, PerImage


@dataclass(frozen=True)
class VignettingParams:
    corner: PerImage
    offset: Float[Tensor, "b 2"]  # of the center from the middle, in heights and widths


@DEGRADATIONS.register_module()
class Vignetting(Degradation[VignettingParams]):
    r"""The law of natural vignetting, :math:`y = x \cos^4 \theta`.

    A pixel at the distance r from the center sees the lens under :math:`\tan \theta = r / f`, so that
    :math:`\cos^4 \theta = (1 + r^2 / f^2)^{-2}`. The focal length f follows from how dark a corner is. Multiplied are
    the levels as they are stored, not the light, of which a stored level is about a square root.

    Args:
        corner: Range of the level that is left half a diagonal from the center, drawn uniformly.
        offset: How far the center may lie off the middle of the image, in heights and widths.
    """

    affine = True

    def __init__(self, *, corner: Range = (0.3, 0.9), offset: float = 0.1) -> None:
        self.low, self.high = check_range("corner", corner, 1e-3, 1)
        self.offset = check_share("offset", offset)

    def sample(self, frame: Frame, rng: ImageRng) -> VignettingParams:
        corner = rng.uniform(low=self.low, high=self.high)
        return VignettingParams(corner, rng.uniform(2, low=-self.offset, high=self.offset))

    def apply(self, image: Image, params: VignettingParams) -> Image:
        h, w = image.shape[-2:]
        y, x = (
            (torch.arange(n, device="cpu") + 0.5) / n - 0.5 - center[:, None]
            for n, center in zip((h, w), params.offset.unbind(dim=1), strict=True)
        )
        diagonal = math.hypot(h, w) / 2
        r_squared = ((y * (h / diagonal)) ** 2)[:, :, None] + ((x * (w / diagonal)) ** 2)[:, None]
        over_f_squared = 1 / params.corner.sqrt() - 1
        cos_squared = 1 / (1 + r_squared * over_f_squared[:, None, None])
        return image * sent_to((cos_squared * cos_squared)[:, None], image)
