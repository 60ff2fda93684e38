"""Straightness of a flow."""

from collections.abc import Callable

import torch
from torch import Tensor

from cfmrestore.typing import PerImage


def straightness(velocity: Callable[[Tensor, Tensor], Tensor], x_0: Tensor, *, num_steps: int = 32) -> PerImage:
    r"""How far the velocity along an image's path is from its mean: 0 for a straight path at even speed.

    .. math:: S = \frac{\int_0^1 \| x_1 - x_0 - v(x_t, t) \|^2 dt}{\| x_1 - x_0 \|^2}

    along Euler's steps, on which x_1 - x_0 is the mean velocity. The numerator is that of Liu et al., 2022, Flow
    straight and fast (arXiv:2209.03003), section 2.3; divided by the length, it does not depend on the scale of the
    space. On a path with S = 0 one Euler step ends where many do.
    """
    x, total = x_0, torch.zeros_like(x_0, dtype=torch.float64)
    squares = total.flatten(1).sum(dim=1)
    for step in range(num_steps):
        v = velocity(x, x.new_tensor(step / num_steps))
        x = x + v / num_steps
        total += v.double()
        squares = squares + v.double().square().flatten(1).sum(dim=1)
    mean = (total / num_steps).square().flatten(1).sum(dim=1)
    return (squares / num_steps - mean) / mean
