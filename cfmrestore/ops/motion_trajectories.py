"""Motion blur kernels of a camera that moves during the exposure, each summing to one."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

POINTS = 1024
"""How many points a trajectory has: several a pixel, so that no kernel looks like beads."""


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
