"""Precision and recall of sets of images: how much of one lies on the manifold of the other."""

from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

# By way of a product of matrices however few the rows: one way of rounding for all blocks.
_distances = partial(torch.cdist, compute_mode="use_mm_for_euclid_dist")


def precision_recall(
    real: Float[Tensor, "n d"], fake: Float[Tensor, "m d"], *, k: int = 3, rows: int = 1024
) -> tuple[float, float]:
    r"""Improved precision and recall: the share of fakes that look real, and of the real that the fakes cover.

    A set :math:`\Phi` spans the union of balls around its features, each as wide as the distance to its k-th neighbor:

    .. math::
        f(\phi, \Phi) = 1 \text{ if } |\phi - \phi'| \le |\phi' - \mathrm{NN}_k(\phi', \Phi)|
            \text{ for some } \phi' \in \Phi, \text{ else } 0

    Precision is the mean of :math:`f` over the fakes with the real as :math:`\Phi`, recall the reverse.

    Reference: Kynkäänniemi et al., 2019, equations 1 and 2 (arXiv:1904.06991).

    Args:
        k: Which neighbor, its own feature not counted.
        rows: Features that are compared at once with a whole set.
    """
    if not 1 <= k < min(len(real), len(fake)):
        raise ValueError(f"k must be at least 1 and below the size of both sets; got {k=}, {len(real)}, {len(fake)}")
    real, fake = real.double(), fake.double()
    precision, recall = (float(_inside(*sets, k, rows).double().mean()) for sets in ((fake, real), (real, fake)))
    return precision, recall


def _inside(points: Float[Tensor, "n d"], manifold: Float[Tensor, "m d"], k: int, rows: int) -> Bool[Tensor, " n"]:
    """Which points lie in one of the manifold's balls."""
    # A feature is its own nearest neighbor, at distance zero.
    radii = [_distances(part, manifold).kthvalue(k + 1, dim=1).values for part in manifold.split(rows)]
    radius = torch.cat(radii)
    return torch.cat([(_distances(part, manifold) <= radius).any(dim=1) for part in points.split(rows)])
