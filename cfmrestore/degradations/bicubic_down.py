"""MATLAB's bicubic downscaling: the degradation of the classical benchmarks."""

import math

from cfmrestore.degradations.base import Degradation, NoParams
from cfmrestore.ops.resize import resize
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image, Size


@DEGRADATIONS.register_module()
class BicubicDown(Degradation[NoParams]):
    """``imresize(image, 1 / scale)``: bicubic with a kernel widened by the scale; sides are rounded up.

    Args:
        scale: Factor by which the image shrinks.
    """

    def __init__(self, *, scale: float = 4) -> None:
        if not scale >= 1:
            raise ValueError(f"scale must be 1 or more; got {scale}")
        self.scale = scale

    def sample(self, size: Size, rng: ImageRng) -> NoParams:
        del size, rng
        return NoParams()

    def apply(self, image: Image, params: NoParams) -> Image:
        del params
        return resize(image, scale=1 / self.scale)

    def out_size(self, size: Size) -> Size:
        return math.ceil(size[0] / self.scale), math.ceil(size[1] / self.scale)
