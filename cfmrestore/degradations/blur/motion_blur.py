"""Motion blur: a camera that shakes during the exposure."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Range, check_range, numbers
from cfmrestore.degradations.blur.kernel_blur import Blur
from cfmrestore.ops.kernels import POINTS, shake, splat
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import PerImage, Seeds


@dataclass(frozen=True)
class MotionParams:
    length: PerImage  # of the path, in pixels
    angle: PerImage  # its mean direction, in radians
    curvature: PerImage
    seed: Seeds


@DEGRADATIONS.register_module()
class MotionBlur(Blur[MotionParams]):
    r"""Convolve with a random path, whose direction is a random walk about an angle uniform in :math:`[0, \pi)`.

    Reference: Boracchi and Foi, 2012, Modeling the performance of image restoration from motion blur, IEEE TIP 21, as a
    walk of inertia and constant speed; without their pull to the middle and their sudden turns.

    Args:
        length: Range of the path's length in pixels, drawn uniformly.
        curvature: Range of the standard deviation of the whole turn in radians, drawn uniformly; (0, 0) makes straight
            lines.
    """

    def __init__(self, *, length: Range = (3.0, 25.0), curvature: Range = (0.0, 3.0)) -> None:
        self.length, self.curvature = check_range("length", length, 0), check_range("curvature", curvature, 0)
        self.angle = (0.0, math.pi)

    def kernels(self, params: MotionParams) -> Float[Tensor, "b k k"]:
        """The kernels in float64; no point of a path is farther from its mean than half of its length."""
        size = 2 * math.floor(self.length[1] / 2 + 1) + 1

        def kernel(length: float, angle: float, curvature: float, seed: int) -> Float[Tensor, "k k"]:
            (normal,) = ImageRng([seed]).normal(POINTS)
            return splat(shake(length, angle, curvature, normal), size)

        return stack_images(kernel, *numbers(params))
