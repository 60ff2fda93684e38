"""Downscaling by a fixed factor: bicubic as in MATLAB is the degradation of the classical benchmarks."""

from cfmrestore.degradations.base import ImageByImage, NoParams
from cfmrestore.ops.resize import resize, scaled_size
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import OneImage, Planes, Size


@DEGRADATIONS.register_module()
class Downscale(ImageByImage[NoParams]):
    """``imresize(image, 1 / scale)``; sides are rounded up.

    Args:
        scale: Factor by which the image shrinks.
        kernel: "bicubic", "bilinear", "lanczos" or "area".
        antialias: Widen the kernel by the scale, as MATLAB does. Without it, bicubic and bilinear are torch's
            ``interpolate``, where the scale divides the size.
    """

    linear = True

    def __init__(self, *, scale: float = 4, kernel: str = "bicubic", antialias: bool = True) -> None:
        if not scale >= 1:
            raise ValueError(f"scale must be 1 or more; got {scale}")
        self.scale, self.kernel, self.antialias = scale, kernel, antialias

    def degrade(self, x: OneImage) -> Planes:
        return resize(x[None], scale=1 / self.scale, kernel=self.kernel, antialias=self.antialias)[0]

    def out_size(self, size: Size, params: NoParams) -> Size:
        return scaled_size(size, 1 / self.scale)
