"""Contrast that a print lost with the years."""

from dataclasses import dataclass

from cfmrestore.degradations.base import Degradation, Range, check_range
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image, PerImage


@dataclass(frozen=True)
class FadedContrastParams:
    """What is drawn, one number an image."""

    contrast: PerImage


@DEGRADATIONS.register_module()
class FadedContrast(Degradation[FadedContrastParams]):
    r""":math:`y = c x + (1 - c) / 2`: every value moves towards gray.

    Args:
        contrast: Range of c, drawn uniformly; 1 leaves the image as it is.
    """

    affine = True

    def __init__(self, *, contrast: Range = (0.3, 0.9)) -> None:
        self.contrast = check_range("contrast", contrast, 0.01, 1)

    def apply(self, image: Image, params: FadedContrastParams) -> Image:
        c = expand_as(params.contrast, image).to(image)
        return c * image + (1 - c) / 2
