"""Back-projection: the nearest image that shrinks to a given one."""

from functools import lru_cache

import torch
from torch import Tensor

from cfmrestore.ops.resize import gram, resize, resize_adjoint
from cfmrestore.typing import Planes


def back_project(image: Planes, low: Planes, scale: int) -> Planes:
    r"""Change an image as little as possible so that shrinking it gives ``low``.

    .. math:: x + A^+ (y - A x), \qquad A^+ = A^\top (A A^\top)^{-1}

    A is the bicubic ``resize`` by 1 / scale, :math:`R_h x R_w^\top`, so that :math:`A A^\top` is solved axis by axis.
    What A does not see of x is kept. Reference: Wang et al., 2023, equation 9 (DDNM, arXiv:2212.00490).

    Args:
        image: Its sides are ``scale`` times those of ``low``.
        low: What the result shall shrink to.
        scale: Whole factor.
    """
    if image.shape[-2:] != (scale * low.shape[-2], scale * low.shape[-1]):
        raise ValueError(f"{tuple(image.shape[-2:])} is not {scale} times {tuple(low.shape[-2:])}")
    if scale == 1:
        return low.clone()
    residual = low - resize(image, scale=1 / scale)
    rows, columns = (_inverse(n, scale).to(image, non_blocking=True) for n in low.shape[-2:])
    size = (image.shape[-2], image.shape[-1])
    return image + resize_adjoint(rows @ residual @ columns, size, scale=1 / scale)


def enforce_consistency(image: Planes, low: Planes, scale: int, rounds: int = 30) -> Planes:
    """Images near these that shrink to the input and lie in [0, 1]: projections in turn, until half a level.

    Where the input is 0 or 1 it was clipped, and what shrinks to less or to more agrees with it too. At edges between
    black and white no such image may exist: then what is left of the difference stays. Every image has rounds of its
    own, whatever its batch.
    """
    return torch.cat([_consistent(x, y, scale, rounds) for x, y in zip(image.split(1), low.split(1), strict=True)])


def _consistent(image: Planes, low: Planes, scale: int, rounds: int) -> Planes:
    for _ in range(rounds):
        image = image.clamp(0, 1)
        shrunk = resize(image, scale=1 / scale)
        clipped = ((low <= 0) & (shrunk < 0)) | ((low >= 1) & (shrunk > 1))
        wanted = torch.where(clipped, shrunk, low)
        if float((wanted - shrunk).abs().max()) < 0.5 / 255:
            break
        image = back_project(image, wanted, scale)
    return image.clamp(0, 1)


@lru_cache(maxsize=2)
def _inverse(length: int, scale: int) -> Tensor:
    """(R R^T)^-1 of the axis that shrinks to so many samples; it is well conditioned and symmetric."""
    return torch.cholesky_inverse(torch.linalg.cholesky(gram(scale * length, length, 1 / scale)))
