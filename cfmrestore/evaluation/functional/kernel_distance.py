"""MMD and KID: maximum mean discrepancies of two sets of features, and the kernel inception distance."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Generator, Tensor

Kernel: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # rows of n and of m features to the n x m values

_ROWS = 1024  # of the kernel's matrix that are held at once


def polynomial_kernel(
    x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], *, degree: int = 3, offset: float = 1.0
) -> Float[Tensor, "n m"]:
    r""":math:`k(x, y) = (x^\top y / d + c)^p`, where d is the length of a feature."""
    return (x @ y.T / x.shape[1] + offset) ** degree


def gaussian_kernel(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], *, sigma: float = 10.0) -> Float[Tensor, "n m"]:
    r""":math:`k(x, y) = \exp(-|x - y|^2 / (2 \sigma^2))`."""
    squares = x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T
    return torch.exp(-squares.clamp_min(0) / (2 * sigma**2))


def mmd(
    x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], kernel: Kernel = polynomial_kernel, *, unbiased: bool = True
) -> float:
    r"""The squared maximum mean discrepancy of the laws that features were drawn from.

    .. math::
        \frac{1}{n (n - 1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m (m - 1)} \sum_{i \ne j} k(y_i, y_j)
            - \frac{2}{n m} \sum_{i, j} k(x_i, y_j)

    This is unbiased, and may be negative. The biased one has :math:`1/n^2` and :math:`1/m^2` and counts :math:`i = j`
    too; it is the squared distance of the two empirical laws, never negative.

    Reference: Gretton et al., 2012, equations 3 and 5.

    Args:
        kernel: :func:`polynomial_kernel`, :func:`gaussian_kernel`, or with other constants by ``functools.partial``.
    """
    x, y = x.double(), y.double()
    cross = _sum(kernel, x, y) / (len(x) * len(y))
    return float(_mean_within(kernel, x, unbiased) + _mean_within(kernel, y, unbiased) - 2 * cross)


def _mean_within(kernel: Kernel, x: Float[Tensor, "n d"], unbiased: bool) -> Float[Tensor, ""]:
    n = len(x)
    if not unbiased:
        return _sum(kernel, x, x) / n**2
    if n < 2:
        raise ValueError(f"the unbiased estimate needs two features or more in each set; got {n}")
    return _sum(kernel, x, x, diagonal=False) / (n * (n - 1))


def _sum(
    kernel: Kernel, x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], *, diagonal: bool = True
) -> Float[Tensor, ""]:
    """The sum of the kernel over all pairs, some rows at a time."""
    total = x.new_zeros(())
    for start in range(0, len(x), _ROWS):
        values = kernel(x[start : start + _ROWS], y)
        total = total + values.sum()
        if not diagonal:
            total = total - values.diagonal(offset=start).sum()
    return total


def kid(
    real: Float[Tensor, "n d"],
    fake: Float[Tensor, "m d"],
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    r"""Mean and standard deviation, over random subsets, of the unbiased :func:`mmd` with :math:`(x^\top y / d + 1)^3`.

    Reference: Bińkowski et al., 2018 (arXiv:1801.01401).

    Args:
        subsets: How many pairs of subsets.
        subset_size: Features in each, drawn without replacement.
        seed: Seed of the draws, which are made on the CPU.
    """
    if not 2 <= subset_size <= min(len(real), len(fake)):
        raise ValueError(
            f"a subset takes between 2 features and all; got {subset_size=} with {len(real)} real, {len(fake)} fake"
        )
    generator = Generator().manual_seed(seed)

    def draw(x: Float[Tensor, "n d"]) -> Float[Tensor, "k d"]:
        return x[torch.randperm(len(x), generator=generator)[:subset_size].to(x.device)]

    values = torch.tensor([mmd(draw(real), draw(fake)) for _ in range(subsets)], dtype=torch.float64)
    return float(values.mean()), float(values.std(correction=0))
