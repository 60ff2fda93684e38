"""Kernels, and the maximum mean discrepancy of two sets of features by them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

Kernel: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Rows of n and of m features to the n x m values; leading axes are batches."""

Features: TypeAlias = Float[Tensor, "_ ..."]
"""A row each; of an image that is a set of them, more axes."""

ROWS = 1024
"""Of the kernel's matrix that are held at once."""

KERNELS = ("polynomial", "rbf", "laplace", "energy")
_TINY = 1e-12  # squared distance below which a root is flat


def polynomial_kernel(
    x: Float[Tensor, "*batch n d"], y: Float[Tensor, "*batch m d"], *, degree: int = 3, offset: float = 1.0
) -> Float[Tensor, "*batch n m"]:
    r""":math:`k(x, y) = (x^\top y / d + c)^p`, where d is the length of a feature."""
    return (x @ y.mT / x.shape[-1] + offset) ** degree


def gaussian_kernel(
    x: Float[Tensor, "*batch n d"], y: Float[Tensor, "*batch m d"], *, sigma: float = 10.0
) -> Float[Tensor, "*batch n m"]:
    r""":math:`k(x, y) = \exp(-|x - y|^2 / (2 \sigma^2))`."""
    return torch.exp(-_squares(x, y).clamp_min(0) / (2 * sigma**2))


def laplace_kernel(
    x: Float[Tensor, "*batch n d"], y: Float[Tensor, "*batch m d"], *, sigma: float = 1.0
) -> Float[Tensor, "*batch n m"]:
    r""":math:`k(x, y) = \exp(-|x - y| / \sigma)`; of equal features there is no gradient."""
    return torch.exp(-distances(x, y) / sigma)


def energy_kernel(x: Float[Tensor, "*batch n d"], y: Float[Tensor, "*batch m d"]) -> Float[Tensor, "*batch n m"]:
    r""":math:`k(x, y) = -|x - y|`, whose discrepancy is the energy distance (Székely and Rizzo, 2013); of no scale."""
    return -distances(x, y)


def distances(x: Float[Tensor, "*batch n d"], y: Float[Tensor, "*batch m d"]) -> Float[Tensor, "*batch n m"]:
    """Euclidean distances, whose gradient is zero where they are."""
    return _squares(x, y).clamp_min(_TINY).sqrt()


def _squares(x: Float[Tensor, "*batch n d"], y: Float[Tensor, "*batch m d"]) -> Float[Tensor, "*batch n m"]:
    return x.square().sum(-1).unsqueeze(-1) + y.square().sum(-1).unsqueeze(-2) - 2 * x @ y.mT


def typical_distance(x: Float[Tensor, "n d"]) -> float:
    """The median distance of two features of a set, of a thousand at most: the usual bandwidth of a kernel."""
    if len(x) < 2:
        raise ValueError(f"a bandwidth relative to the distances of real features needs two of them; got {len(x)}")
    some = x.detach()[:: -(-len(x) // ROWS)]
    row, column = torch.triu_indices(len(some), len(some), offset=1, device=x.device)
    median = float(distances(some, some)[row, column].median())
    if not median > 2 * _TINY**0.5:
        raise ValueError("half of the real features are equal: there is no distance to choose a bandwidth by")
    return median


def kernel_of(name: str, real: Float[Tensor, "n d"], bandwidths: Sequence[float]) -> Kernel:
    """The kernel of a name: of "rbf" and "laplace" the mean over bandwidths, in typical distances of the real set."""
    if name not in KERNELS:
        raise ValueError(f"the kernel is one of {', '.join(KERNELS)}; got {name!r}")
    if name in ("polynomial", "energy"):
        return polynomial_kernel if name == "polynomial" else energy_kernel
    one, unit = gaussian_kernel if name == "rbf" else laplace_kernel, typical_distance(real)
    parts = [partial(one, sigma=bandwidth * unit) for bandwidth in bandwidths]
    return lambda x, y: torch.stack([part(x, y) for part in parts]).mean(dim=0)


def of_patches(kernel: Kernel) -> Kernel:
    r"""The kernel of images, each a set of p features (n p d): the mean over all pairs of features of two images."""

    def mean(x: Float[Tensor, "n p d"], y: Float[Tensor, "m q d"]) -> Float[Tensor, "n m"]:
        values = kernel(x.flatten(0, 1), y.flatten(0, 1))
        return values.unflatten(0, x.shape[:2]).unflatten(2, y.shape[:2]).mean(dim=(1, 3))

    return mean


def squared_mmd(
    x: Features,
    y: Features,
    kernel: Kernel = polynomial_kernel,
    *,
    unbiased: bool = True,
    paired: bool = False,
) -> Float[Tensor, ""]:
    r"""The squared maximum mean discrepancy of the laws that features were drawn from; gradients pass.

    .. math::
        \frac{1}{n (n - 1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m (m - 1)} \sum_{i \ne j} k(y_i, y_j)
            - \frac{2}{n m} \sum_{i, j} k(x_i, y_j)

    This is unbiased, and may be negative. The biased one has :math:`1/n^2` and :math:`1/m^2` and counts :math:`i = j`
    too; it is the squared distance of the two empirical laws, never negative. Where :math:`x_i` and :math:`y_i` depend
    on one another, what is unbiased leaves :math:`i = j` out of the last sum, too, over :math:`n (n - 1)`.

    Reference: Gretton et al., 2012, equations 3 to 5.

    Args:
        x, y: The features, in the precision of the sums: float64 for any that nearly cancel.
        kernel: :func:`polynomial_kernel`, :func:`gaussian_kernel`, or with other constants by ``functools.partial``.
        unbiased: Which estimate.
        paired: Whether :math:`x_i` and :math:`y_i` belong together.
    """
    if paired and len(x) != len(y):
        raise ValueError(f"paired sets have as many features; got {len(x)} and {len(y)}")
    n, m, paired = len(x), len(y), paired and unbiased
    pairs = n * (m - 1) if paired else n * m
    cross = _sum(kernel, x, y, diagonal=not paired) / pairs if pairs else x.new_zeros(())
    return _mean_within(kernel, x, unbiased) + _mean_within(kernel, y, unbiased) - 2 * cross


def _mean_within(kernel: Kernel, x: Features, unbiased: bool) -> Float[Tensor, ""]:
    n = len(x)
    if not unbiased:
        return _sum(kernel, x, x) / n**2
    if n < 2:
        raise ValueError(f"the unbiased estimate needs two features or more in each set; got {n}")
    return _sum(kernel, x, x, diagonal=False) / (n * (n - 1))


def _sum(kernel: Kernel, x: Features, y: Features, *, diagonal: bool = True) -> Float[Tensor, ""]:
    """The sum of the kernel over all pairs, some rows at a time."""
    total = x.new_zeros(())
    for start in range(0, len(x), ROWS):
        values = kernel(x[start : start + ROWS], y)
        total = total + values.sum()
        if not diagonal:
            total = total - values.diagonal(offset=start).sum()
    return total


def kernel_score(
    draws: Float[Tensor, "b m p d"], truth: Float[Tensor, "b p d"], kernel: Kernel = polynomial_kernel
) -> Float[Tensor, " b"]:
    r"""The kernel score of M draws given what is true: of each input, averaged over its p places.

    .. math:: S = \frac{1}{M (M - 1)} \sum_{i \ne j} k(y_i, y_j) - \frac{2}{M} \sum_i k(y_i, x)

    Over draws of a law q and a truth of the law p given the same input,

    .. math:: E\, S = E_{q q} k(y, y') - 2 E_{q p} k(y, x) = \mathrm{MMD}^2(q, p) - E_{p p} k(x, x') ,

    whose last term does not depend on q: one truth an input suffices, and the law that scores lowest is p, the
    posterior, not its mean. With :math:`k = -|x - y|` it is the energy score.

    Reference: Gneiting and Raftery, 2007, section 5.1, with the opposite sign.
    """
    m = draws.shape[1]
    if m < 2:
        raise ValueError(f"the kernel score needs two draws or more of each input; got {m}")
    y, x = draws.transpose(1, 2), truth[:, :, None]
    values = kernel(y, y)
    within = (values.sum(dim=(-2, -1)) - values.diagonal(dim1=-2, dim2=-1).sum(dim=-1)) / (m * (m - 1))
    return (within - 2 * kernel(y, x).mean(dim=(-2, -1))).mean(dim=1)
