"""The Fréchet distance of two sets of features, from running sums."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Gaussian(NamedTuple):
    """The normal law that stands for a set of features."""

    mean: Float[Tensor, " d"]
    covariance: Float[Tensor, "d d"]


class GaussianSums:
    r"""What the mean and the covariance of features need: :math:`n`, :math:`\sum x` and :math:`\sum x x^\top`.

    Sums of parts add up to the sum of the whole, so that batches and ranks may be divided in any way. All three are
    float64 tensors, on the CPU.

    Args:
        dim: Length of a feature.
    """

    def __init__(self, dim: int) -> None:
        self.count = torch.zeros((), dtype=torch.float64)
        self.sum = torch.zeros(dim, dtype=torch.float64)
        self.outer = torch.zeros(dim, dim, dtype=torch.float64)

    def update(self, features: Float[Tensor, "b d"]) -> None:
        """Add the features of a batch."""
        if features.shape[1] != len(self.sum):
            raise ValueError(f"these sums take features of length {len(self.sum)}; got {features.shape[1]}")
        x = features.detach().to("cpu", torch.float64)
        self.count += len(x)
        self.sum += x.sum(dim=0)
        self.outer += x.T @ x

    def merge(self, other: "GaussianSums") -> None:
        """Add the sums of other features."""
        if len(other.sum) != len(self.sum):
            raise ValueError(f"cannot add sums of length {len(other.sum)} to sums of length {len(self.sum)}")
        self.count += other.count
        self.sum += other.sum
        self.outer += other.outer

    def mean_and_covariance(self) -> Gaussian:
        r""":math:`\mu = \frac{1}{n} \sum x` and :math:`\Sigma = \frac{1}{n - 1} (\sum x x^\top - n \mu \mu^\top)`."""
        if self.count < 2:
            raise ValueError(f"a covariance needs two features or more; got {int(self.count)}")
        mu = self.sum / self.count
        covariance = (self.outer - self.count * torch.outer(mu, mu)) / (self.count - 1)
        return Gaussian(mu, (covariance + covariance.T) / 2)


class Root(NamedTuple):
    """The mean of a normal law, and some F with the covariance F^T F."""

    mean: Float[Tensor, " d"]
    root: Float[Tensor, "k d"]


def frechet_distance(a: Gaussian | Root | Float[Tensor, "n d"], b: Gaussian | Root | Float[Tensor, "m d"]) -> float:
    r"""The squared Wasserstein-2 distance of two normal laws, or of those that stand for two sets of features.

    .. math::
        |\mu_a - \mu_b|^2 + \operatorname{tr}\left(A + B - 2 (A B)^{1/2}\right)

    With :math:`A = F^\top F` and :math:`B = G^\top G`, the eigenvalues of :math:`A B` are those of
    :math:`(F G^\top)^\top F G^\top`, so the trace of its root is the sum of the singular values of
    :math:`F G^\top`: real also where a covariance is singular, as with fewer images than features, and without roots
    of rounding errors. F is the symmetric root of A, or the centered features by :math:`\sqrt{n - 1}` where these are
    fewer than they are long.

    Reference: Dowson and Landau, 1982; Heusel et al., 2017, equation 6 (arXiv:1706.08500).
    """
    (mu_a, F), (mu_b, G) = root_of(a), root_of(b)
    roots = torch.linalg.svdvals(F @ G.T)
    return float((mu_a - mu_b).square().sum() + F.square().sum() + G.square().sum() - 2 * roots.sum())


def root_of(law: Gaussian | Root | Float[Tensor, "n d"]) -> Root:
    """The root of a law, or of that which stands for a set of features."""
    if isinstance(law, Root):
        return law
    if isinstance(law, Tensor):
        n, dim = law.shape
        if 2 <= n < dim:
            x = law.double()
            return Root(x.mean(dim=0), (x - x.mean(dim=0)) / (n - 1) ** 0.5)
        sums = GaussianSums(dim)
        sums.update(law)
        law = sums.mean_and_covariance()
    return Root(law.mean.double(), _root(law.covariance.double()))


def _root(matrix: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """The symmetric root of a positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.T
