"""Differentiable JPEG, on the images' device."""

from dataclasses import dataclass

from cfmrestore.degradations.base import Degradation, Range, check_range
from cfmrestore.ops import jpeg
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image, PerImage


@dataclass(frozen=True)
class RealQualityParams:
    quality: PerImage


@DEGRADATIONS.register_module()
class DiffJPEG(Degradation[RealQualityParams]):
    """Shin and Song's differentiable JPEG (2017), as in Real-ESRGAN's training.

    Args:
        quality: Range of the quality factor, drawn uniformly from the real numbers.
        soft: Smooth roundings, for gradients. Without, every step rounds as libjpeg does.
    """

    clips = True

    def __init__(self, *, quality: Range = (30, 95), soft: bool = True) -> None:
        self.quality, self.soft = check_range("quality", quality, 1, 100), soft
        self.differentiable = soft

    def apply(self, image: Image, params: RealQualityParams) -> Image:
        return jpeg.code(image, params.quality, soft=self.soft)
