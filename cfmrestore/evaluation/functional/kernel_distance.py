"""MMD and KID: maximum mean discrepancies of two sets of features, and the kernel inception distance."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from cfmrestore.ops.mmd import Kernel, gaussian_kernel, polynomial_kernel, squared_mmd

__all__ = ["Kernel", "gaussian_kernel", "kid", "mmd", "polynomial_kernel"]


def mmd(
    x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], kernel: Kernel = polynomial_kernel, *, unbiased: bool = True
) -> float:
    """:func:`squared_mmd` of features, in float64."""
    return float(squared_mmd(x.double(), y.double(), kernel, unbiased=unbiased))


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
