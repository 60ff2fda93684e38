"""Motion blur: a camera that shakes during the exposure."""

import math
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from cfmrestore.degradations.base import Degradation, check_range
from cfmrestore.ops import motion_trajectories as trajectories
from cfmrestore.ops.filters import filter_each
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image


@dataclass(frozen=True)
class MotionParams:
    length: Float[Tensor, " b"]  # of the path, in pixels
    angle: Float[Tensor, " b"]  # its mean direction, in radians
    curvature: Float[Tensor, " b"]
    seed: Int[Tensor, " b"]


@DEGRADATIONS.register_module()
class MotionBlur(Degradation[MotionParams]):
    r"""Convolve with a random path, whose direction is a random walk about an angle uniform in :math:`[0, \pi)`.

    Reference: Boracchi and Foi, 2012, Modeling the performance of image restoration from motion blur, IEEE TIP 21, as a
    walk of inertia and constant speed; without their pull to the middle and their sudden turns.

    Args:
        length: Range of the path's length in pixels, drawn uniformly.
        curvature: Range of the standard deviation of the whole turn in radians, drawn uniformly; (0, 0) makes straight
            lines.
    """

    params_type = MotionParams
    linear = True

    def __init__(
        self, *, length: tuple[float, float] = (3.0, 25.0), curvature: tuple[float, float] = (0.0, 3.0)
    ) -> None:
        self.length, self.curvature = check_range("length", length, 0), check_range("curvature", curvature, 0)

    def sample(self, frame: Frame, rng: ImageRng) -> MotionParams:
        del frame
        length = rng.uniform(low=self.length[0], high=self.length[1])
        angle = rng.uniform(high=math.pi)
        curvature = rng.uniform(low=self.curvature[0], high=self.curvature[1])
        return MotionParams(length, angle, curvature, rng.new_seeds())

    def kernels(self, params: MotionParams) -> Float[Tensor, "b k k"]:
        """The kernels in float64; no point of a path is farther from its mean than half of its length."""
        size = 2 * math.floor(self.length[1] / 2 + 1) + 1
        draws = zip(params.length.tolist(), params.angle.tolist(), params.curvature.tolist(), strict=True)
        return stack_images(lambda draw, seed: _kernel(draw, seed, size), draws, params.seed.tolist())

    def apply(self, image: Image, params: MotionParams) -> Image:
        return filter_each(image, self.kernels(params))


def _kernel(draw: tuple[float, float, float], seed: int, size: int) -> Float[Tensor, "k k"]:
    (normal,) = ImageRng([seed]).normal(trajectories.POINTS)
    return trajectories.splat(trajectories.shake(*draw, normal), size)
