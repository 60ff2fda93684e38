"""Sinc filter, the ideal circular low-pass: ringing and overshoot."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import IntRange, Range, check_range
from cfmrestore.degradations.blur.kernel_blur import Blur, draw_side, odd_sides
from cfmrestore.ops.kernels import of_sides, sinc_kernels
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, IntPerImage, PerImage


@dataclass(frozen=True)
class SincParams:
    cutoff: PerImage  # radians a sample
    side: IntPerImage


@DEGRADATIONS.register_module()
class SincBlur(Blur[SincParams]):
    r"""Convolve with :math:`k(u) \propto \omega J_1(\omega |u|) / (2 \pi |u|)`, cut to a square.

    The cutoff :math:`\omega` is uniform; kernels of a side below 13 take the range's half that rings less, from
    ``cutoff_small`` (Wang et al., 2021, arXiv:2107.10833, section 3.3 and their code).

    Args:
        cutoff: Range of the cutoff in radians a sample.
        cutoff_small: The same for kernels of a side below 13; the same range if left out.
        size: Side of the kernel, odd, or a range of which the odd numbers are equally likely.
    """

    def __init__(
        self,
        *,
        cutoff: Range = (math.pi / 3, math.pi),
        cutoff_small: Range | None = None,
        size: int | IntRange = (7, 21),
    ) -> None:
        self.cutoff = check_range("cutoff", cutoff, 1e-3, 3.1416)
        self.cutoff_small = check_range("cutoff_small", cutoff_small or cutoff, 1e-3, 3.1416)
        self.sides = odd_sides(size)

    def sample(self, frame: Frame, rng: ImageRng) -> SincParams:
        side, u = draw_side(self.sides, rng), rng.uniform()
        small, large = (low + (high - low) * u for low, high in (self.cutoff_small, self.cutoff))
        return SincParams(torch.where(side < 13, small, large), side)

    def kernels(self, params: SincParams) -> Float[Tensor, "b k k"]:
        return of_sides(sinc_kernels, params.side, params.cutoff.double())
