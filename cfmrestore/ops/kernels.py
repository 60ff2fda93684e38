"""Blur kernels, one an image, each summing to one. u is in pixels from the middle, as (x, y)."""

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.typing import PerImage, Seeds

Kernels = Float[Tensor, "b size size"]


@lru_cache(maxsize=64)
def _grid(size: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    u = torch.arange(size, dtype=dtype, device=device) - (size - 1) / 2
    y, x = torch.meshgrid(u, u, indexing="ij")
    return x, y


def _normalised(kernels: Kernels) -> Kernels:
    return kernels / kernels.sum(dim=(1, 2), keepdim=True)


def distance(sigma: Float[Tensor, "b 2"], theta: PerImage, size: int) -> Kernels:
    r"""Squared Mahalanobis distance :math:`u^\top \Sigma^{-1} u`, of which the kernels are functions.

    :math:`\Sigma = R_\theta \operatorname{diag}(\sigma_1^2, \sigma_2^2) R_\theta^\top`.
    """
    x, y = _grid(size, sigma.dtype, sigma.device)
    cos, sin = theta.cos()[:, None, None], theta.sin()[:, None, None]
    along, across = cos * x + sin * y, cos * y - sin * x
    return (along / sigma[:, 0, None, None]) ** 2 + (across / sigma[:, 1, None, None]) ** 2


def cut(kernels: Kernels, side: Seeds) -> Kernels:
    """Zero outside the middle square of each image's own side, and sum to one again."""
    size = kernels.shape[-1]
    x, y = _grid(size, kernels.dtype, kernels.device)
    reach = torch.maximum(x.abs(), y.abs())
    return _normalised(kernels * (reach <= (side[:, None, None] - 1) / 2))


def gaussian_kernels(sigma: Float[Tensor, "b 2"], theta: PerImage, size: int) -> Kernels:
    r"""Anisotropic Gaussians :math:`k(u) \propto \exp(-u^\top \Sigma^{-1} u / 2)`."""
    return _normalised(torch.exp(-distance(sigma, theta, size) / 2))


def generalised_kernels(sigma: Float[Tensor, "b 2"], theta: PerImage, beta: PerImage, size: int) -> Kernels:
    r""":math:`k(u) \propto \exp(-(u^\top \Sigma^{-1} u)^\beta / 2)` (Pascal et al., 2013, arXiv:1302.6498)."""
    return _normalised(torch.exp(-(distance(sigma, theta, size) ** beta[:, None, None]) / 2))


def plateau_kernels(sigma: Float[Tensor, "b 2"], theta: PerImage, beta: PerImage, size: int) -> Kernels:
    r""":math:`k(u) \propto 1 / (1 + (u^\top \Sigma^{-1} u)^\beta)`: flat in the middle."""
    return _normalised(1 / (1 + distance(sigma, theta, size) ** beta[:, None, None]))


def sinc_kernels(cutoff: PerImage, size: int) -> Kernels:
    r"""Ideal circular low-pass filters :math:`k(u) \propto \omega J_1(\omega |u|) / (2 \pi |u|)`.

    :math:`\omega` is the cutoff in radians a sample, at most pi; the value in the middle is
    :math:`\omega^2 / 4 \pi`. Before the normalisation this is the inverse Fourier transform of a disc.
    """
    x, y = _grid(size, cutoff.dtype, cutoff.device)
    radius, omega = (x**2 + y**2).sqrt(), cutoff[:, None, None]
    middle = omega**2 / (4 * math.pi)
    safe = radius.clamp_min(0.5)
    kernels = omega * torch.special.bessel_j1(omega * safe) / (2 * math.pi * safe)
    return _normalised(torch.where(radius == 0, middle, kernels))


def disc_kernels(radius: PerImage, size: int) -> Kernels:
    """Discs, the blur of a lens out of focus; pixels on the rim count by their distance from it."""
    x, y = _grid(size, radius.dtype, radius.device)
    return _normalised((radius[:, None, None] + 0.5 - (x**2 + y**2).sqrt()).clamp(0, 1))
