"""Anisotropic Gaussian blur: the first operator of the Real-ESRGAN chain."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Degradation
from cfmrestore.ops.filters import filter_each
from cfmrestore.ops.kernels import gaussian_kernels
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image, Size


@dataclass(frozen=True)
class BlurParams:
    sigma: Float[Tensor, "b 2"]  # standard deviations along the two axes, in pixels
    theta: Float[Tensor, " b"]  # rotation, in radians


@DEGRADATIONS.register_module()
class GaussianBlur(Degradation[BlurParams]):
    r"""Convolve with :math:`k(u) \propto \exp(-u^\top \Sigma^{-1} u / 2)`.

    :math:`\Sigma = R_\theta \operatorname{diag}(\sigma_1^2, \sigma_2^2) R_\theta^\top`, with
    :math:`\theta` uniform in :math:`[-\pi, \pi)`.

    Args:
        sigma: Range of both standard deviations, drawn uniformly.
        size: Side of the kernel, odd.
        isotropic: One standard deviation for both axes.
    """

    params_type = BlurParams

    def __init__(self, *, sigma: tuple[float, float] = (0.2, 3.0), size: int = 21, isotropic: bool = False) -> None:
        if size % 2 == 0 or not 0 < sigma[0] <= sigma[1]:
            raise ValueError(f"need odd size, 0 < low <= high; got {size=}, {sigma=}")
        self.sigma, self.size, self.isotropic = sigma, size, isotropic

    def sample(self, size: Size, rng: ImageRng) -> BlurParams:
        del size
        low, high = self.sigma
        sigma = rng.uniform(2, low=low, high=high)
        theta = rng.uniform(low=-math.pi, high=math.pi)
        return BlurParams(sigma[:, :1].expand(-1, 2) if self.isotropic else sigma, theta)

    def apply(self, image: Image, params: BlurParams) -> Image:
        kernels = gaussian_kernels(params.sigma.to(torch.float64), params.theta.to(torch.float64), self.size)
        return filter_each(image, kernels)
