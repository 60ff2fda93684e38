"""Conjugate gradients for a batch of symmetric linear systems that are known by their products alone."""

from collections.abc import Callable

import torch
from torch import Tensor

from cfmrestore.ops.broadcast import expand_as


def conjugate_gradients(
    system: Callable[[Tensor], Tensor], b: Tensor, *, tolerance: float = 1e-3, iterations: int = 30
) -> Tensor:
    r"""Solve :math:`A_i x_i = b_i` from zero, each system of the batch with steps of its own.

    Reference: Hestenes and Stiefel, 1952.

    Args:
        system: The products of positive semidefinite matrices with a batch of vectors.
        b: The right-hand sides (n, ...).
        tolerance: A system is left alone once its residual is that small beside b.
        iterations: At most so many products.
    """
    x, r = torch.zeros_like(b), b
    p, rr = r, _dot(r, r)
    goal = tolerance**2 * rr
    for _ in range(iterations):
        active = rr > goal
        if not bool(active.any()):
            break
        q = system(p)
        curvature = _dot(p, q)
        active = active & (curvature > 0)
        alpha = torch.where(active, rr / torch.where(active, curvature, 1), 0)
        x, r = x + expand_as(alpha, x) * p, r - expand_as(alpha, r) * q
        now = _dot(r, r)
        p = r + expand_as(torch.where(active, now / torch.where(active, rr, 1), 0), p) * p
        rr = torch.where(active, now, 0)
    return x


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).flatten(1).sum(dim=1)
