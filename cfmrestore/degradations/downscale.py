"""Shrinking: bicubic as in MATLAB, the degradation of the classical benchmarks, or bilinear."""

from cfmrestore.degradations.base import Degradation, NoParams
from cfmrestore.ops.resize import resize, scaled_size
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image, Size


@DEGRADATIONS.register_module()
class Downscale(Degradation[NoParams]):
    """``imresize(image, 1 / scale)``; sides are rounded up.

    Args:
        scale: Factor by which the image shrinks.
        kernel: "bicubic" or "bilinear".
        antialias: Widen the kernel by the scale, as MATLAB does. Bilinear without it is torch's ``interpolate``,
            where the scale divides the size.
    """

    def __init__(self, *, scale: float = 4, kernel: str = "bicubic", antialias: bool = True) -> None:
        if not scale >= 1:
            raise ValueError(f"scale must be 1 or more; got {scale}")
        self.scale, self.kernel, self.antialias = scale, kernel, antialias

    def sample(self, size: Size, rng: ImageRng) -> NoParams:
        del size, rng
        return NoParams()

    def apply(self, image: Image, params: NoParams) -> Image:
        del params
        return resize(image, scale=1 / self.scale, kernel=self.kernel, antialias=self.antialias)

    def out_size(self, size: Size) -> Size:
        return scaled_size(size, 1 / self.scale)
