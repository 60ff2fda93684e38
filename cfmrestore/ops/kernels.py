"""Blur kernels, one an image, each summing to one. u is in pixels from the middle, as (x, y).

They are small and, but for those of motion, computed by numpy: a kernel in torch takes several times as long, and holds
up other threads.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.typing import PerImage, Seeds

Kernels = Float[Tensor, "b size size"]
Array = np.ndarray
POINTS = 1024
"""How many points a motion's path has: several a pixel, so that no kernel looks like beads."""


@lru_cache(maxsize=64)
def _grid(size: int) -> tuple[Array, Array]:
    u = np.arange(size) - (size - 1) / 2
    return u[None, None, :], u[None, :, None]


def _each(value: Tensor) -> Array:
    """One number an image, in float64, to be broadcast over its kernel."""
    return value.double().numpy(force=True)[:, None, None]


def _normalized(kernels: Array) -> Kernels:
    return torch.from_numpy(kernels / kernels.sum(axis=(1, 2), keepdims=True))


def _distance(sigma: Float[Tensor, "b 2"], theta: PerImage, size: int) -> Array:
    r"""Squared Mahalanobis distance :math:`u^\top \Sigma^{-1} u`, of which the kernels are functions.

    :math:`\Sigma = R_\theta \operatorname{diag}(\sigma_1^2, \sigma_2^2) R_\theta^\top`.
    """
    x, y = _grid(size)
    cos, sin = np.cos(_each(theta)), np.sin(_each(theta))
    along, across = (cos * x + sin * y) / _each(sigma[:, 0]), (cos * y - sin * x) / _each(sigma[:, 1])
    return along * along + across * across


def of_sides(family: Callable[..., Kernels], side: Seeds, *params: Tensor) -> Kernels:
    """Kernels of a side each, in the middle of zeros up to the largest side.

    Args:
        family: Takes the parameters of one kernel, and its side.
        side: Odd numbers, one an image.
        params: The family's parameters, one row an image.
    """
    largest, made = int(side.max()), []
    for i, size in enumerate(side.tolist()):
        (kernel,) = family(*(row[i : i + 1] for row in params), size)
        made.append(F.pad(kernel, ((largest - size) // 2,) * 4) if size < largest else kernel)
    return torch.stack(made)


def gaussian_kernels(sigma: Float[Tensor, "b 2"], theta: PerImage, size: int) -> Kernels:
    r"""Anisotropic Gaussians :math:`k(u) \propto \exp(-u^\top \Sigma^{-1} u / 2)`."""
    return _normalized(np.exp(-_distance(sigma, theta, size) / 2))


def generalized_kernels(sigma: Float[Tensor, "b 2"], theta: PerImage, beta: PerImage, size: int) -> Kernels:
    r""":math:`k(u) \propto \exp(-(u^\top \Sigma^{-1} u)^\beta / 2)` (Pascal et al., 2013, arXiv:1302.6498)."""
    return _normalized(np.exp(-(_distance(sigma, theta, size) ** _each(beta)) / 2))


def plateau_kernels(sigma: Float[Tensor, "b 2"], theta: PerImage, beta: PerImage, size: int) -> Kernels:
    r""":math:`k(u) \propto 1 / (1 + (u^\top \Sigma^{-1} u)^\beta)`: flat in the middle."""
    return _normalized(1 / (1 + _distance(sigma, theta, size) ** _each(beta)))


def sinc_kernels(cutoff: PerImage, size: int) -> Kernels:
    r"""Ideal circular low-pass filters :math:`k(u) \propto \omega J_1(\omega |u|) / (2 \pi |u|)`.

    :math:`\omega` is the cutoff in radians a sample, at most pi; the value in the middle is
    :math:`\omega^2 / 4 \pi`. Before the normalization this is the inverse Fourier transform of a disc.
    """
    x, y = _grid(size)
    radius, omega = np.sqrt(x * x + y * y), _each(cutoff)
    safe = np.maximum(radius, 0.5)
    bessel = torch.special.bessel_j1(torch.from_numpy(omega * safe)).numpy()
    return _normalized(np.where(radius == 0, omega * omega / (4 * math.pi), omega * bessel / (2 * math.pi * safe)))


def disc_kernels(radius: PerImage, size: int) -> Kernels:
    """Discs, the blur of a lens out of focus; pixels on the rim count by their distance from it."""
    x, y = _grid(size)
    return _normalized((_each(radius) + 0.5 - np.sqrt(x * x + y * y)).clip(0, 1))


def shake(length: float, angle: float, curvature: float, normal: Float[Tensor, " n"]) -> Float[Tensor, "n 2"]:
    r"""Points (x, y) in pixels of a path of this length at constant speed; their mean is zero.

    The direction is a random walk, so that the movement has inertia:
    :math:`\theta_k = \varphi + \frac{c}{\sqrt n} \sum_{j \le k} n_j`, shifted so that its mean is the angle
    :math:`\varphi`. The curvature c is the standard deviation of the whole turn in radians; 0 is a straight line.
    """
    n = len(normal)
    walk = normal.double().cumsum(0) * (curvature / math.sqrt(n))
    theta = angle + walk - walk.mean()
    points = torch.stack([theta.cos(), theta.sin()], dim=1).cumsum(0) * (length / n)
    return points - points.mean(0)


def splat(points: Float[Tensor, "n 2"], size: int) -> Float[Tensor, "size size"]:
    """Share each point's weight, 1 / n, among the four pixels around it, bilinearly; the mean stays where it is."""
    place = points + (size - 1) / 2
    corner = place.floor().clamp(0, max(size - 2, 0))
    part = place - corner
    kernel = torch.zeros(size * size, dtype=points.dtype, device=points.device)
    for dx, x in enumerate((1 - part[:, 0], part[:, 0])):
        for dy, y in enumerate((1 - part[:, 1], part[:, 1])):
            index = (corner[:, 1] + dy) * size + corner[:, 0] + dx
            kernel.index_add_(0, index.long(), x * y / len(points))
    return kernel.reshape(size, size)
