"""Defocus blur: a lens out of focus."""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Range, check_range
from cfmrestore.degradations.blur.kernel_blur import Blur
from cfmrestore.ops.kernels import disc_kernels
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import PerImage


@dataclass(frozen=True)
class DefocusParams:
    radius: PerImage  # of the circle of confusion, in pixels


@DEGRADATIONS.register_module()
class DefocusBlur(Blur[DefocusParams]):
    """Convolve with a disc.

    Args:
        radius: Range of the disc's radius in pixels, drawn uniformly.
    """

    def __init__(self, *, radius: Range = (1.0, 6.0)) -> None:
        self.radius = check_range("radius", radius, 0)

    def kernels(self, params: DefocusParams) -> Float[Tensor, "b k k"]:
        return disc_kernels(params.radius.double(), 2 * math.ceil(self.radius[1] + 0.5) + 1)
