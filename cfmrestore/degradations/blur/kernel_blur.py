"""Blur base classes: for any kernels, and for those of two axes and a rotation."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Degradation, IntRange, P, Range, check_range
from cfmrestore.ops.filters import filter_each
from cfmrestore.ops.kernels import of_sides
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Frame, Image, IntPerImage, PerImage


class Blur(Degradation[P]):
    """Convolves each image with a kernel of its own."""

    linear = True

    @abstractmethod
    def kernels(self, params: P) -> Float[Tensor, "b k k"]:
        """The kernels in float64."""

    def apply(self, image: Image, params: P) -> Image:
        return filter_each(image, self.kernels(params))


@dataclass(frozen=True)
class BlurParams:
    sigma: Float[Tensor, "b 2"]  # standard deviations along the two axes, in pixels
    theta: PerImage  # rotation, in radians
    beta: PerImage  # exponent of the family; 1 for the Gaussian
    side: IntPerImage  # of the kernel, odd


class KernelBlur(Blur[BlurParams]):
    r"""Draws :math:`\sigma_1, \sigma_2` uniformly, :math:`\theta` uniformly in :math:`[-\pi, \pi)`, and the side.

    Where the range of the exponent beta holds 1, half of the draws are uniform below 1 and half above, as in
    Real-ESRGAN: of (1, 2) half of the draws are 1. The arguments are those of ``GaussianBlur``.
    """

    beta = (1.0, 1.0)

    family: "ClassVar[staticmethod[..., Tensor]]"
    """Kernels of one side, from sigma, theta and beta."""

    def __init__(self, *, sigma: Range = (0.2, 3.0), size: int | IntRange = 21, isotropic: bool = False) -> None:
        self.sigma, self.sides, self.isotropic = check_range("sigma", sigma, 1e-3), odd_sides(size), isotropic

    def sample(self, frame: Frame, rng: ImageRng) -> BlurParams:
        sigma = rng.uniform(2, low=self.sigma[0], high=self.sigma[1])
        theta = rng.uniform(low=-math.pi, high=math.pi)
        beta = self._draw_beta(rng)
        sigma = sigma[:, :1].expand(-1, 2) if self.isotropic else sigma
        return BlurParams(sigma, theta, beta, draw_side(self.sides, rng))

    def _draw_beta(self, rng: ImageRng) -> Tensor:
        low, high = self.beta
        if low == high or not low <= 1 <= high:
            return rng.uniform(low=low, high=high)
        u, below = rng.uniform(), rng.uniform() < 0.5
        return torch.where(below, low + (1 - low) * u, 1 + (high - 1) * u)

    def kernels(self, params: BlurParams) -> Float[Tensor, "b k k"]:
        return of_sides(self.family, params.side, params.sigma.double(), params.theta.double(), params.beta.double())


def odd_sides(size: int | IntRange) -> tuple[int, int]:
    """The smallest and the largest side of a kernel."""
    low, high = (size, size) if isinstance(size, int) else size
    if low % 2 == 0 or high % 2 == 0 or not 1 <= low <= high:
        raise ValueError(f"the size of a kernel must be odd, or two rising odd numbers; got {size}")
    return low, high


def draw_side(sides: IntRange, rng: ImageRng) -> IntPerImage:
    """Odd numbers of the range, equally likely."""
    return 2 * rng.integers(sides[0] // 2, sides[1] // 2) + 1
