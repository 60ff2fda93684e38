"""The orthonormal Haar wavelet packet of square blocks."""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


@lru_cache
def _basis(factor: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    r"""The orthogonal matrix that splits a block of factor x factor pixels into as many bands, the (scaled) mean first.

    One level is :math:`H = \tfrac{1}{\sqrt 2} \begin{pmatrix} 1 & 1 \\ 1 & -1 \end{pmatrix}` along each axis; splitting
    every band again at each level is the Kronecker power of H (the Walsh-Hadamard transform of the block).
    """
    level = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64, device="cpu") / 2**0.5
    axis = torch.ones(1, 1, dtype=torch.float64, device="cpu")
    while len(axis) < factor:
        axis = torch.kron(level, axis)
    return torch.kron(axis, axis).to(device, dtype)


def haar(x: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b _ _ _"]:
    """Every channel becomes factor^2 of a smaller size, band by band; energy is kept."""
    b, c, h, w = x.shape
    blocks = F.pixel_unshuffle(x, factor).reshape(b, c, factor**2, -1)
    bands = torch.matmul(_basis(factor, x.dtype, x.device), blocks)
    return bands.transpose(1, 2).reshape(b, c * factor**2, h // factor, w // factor)


def inverse_haar(z: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b _ _ _"]:
    """The exact inverse (and transpose) of ``haar``."""
    b, c, h, w = z.shape
    bands = z.reshape(b, factor**2, c // factor**2, -1).transpose(1, 2)
    blocks = torch.matmul(_basis(factor, z.dtype, z.device).T, bands)
    return F.pixel_shuffle(blocks.reshape(b, c, h, w), factor)
