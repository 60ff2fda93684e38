"""The orthonormal Haar transform of 2x2 blocks."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def _basis(like: Tensor) -> Tensor:
    """The 4x4 orthogonal matrix: mean, horizontal, vertical and diagonal difference of (a b / c d)."""
    rows = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
    return torch.tensor(rows, dtype=like.dtype, device=like.device) / 2


def haar(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 4*c h//2 w//2"]:
    """One level: every channel becomes four of half the size, band by band; energy is kept."""
    b, c, h, w = x.shape
    blocks = F.pixel_unshuffle(x, 2).reshape(b, c, 4, h // 2, w // 2)
    return torch.einsum("kj,bcjhw->bkchw", _basis(x), blocks).reshape(b, 4 * c, h // 2, w // 2)


def inverse_haar(z: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c//4 2*h 2*w"]:
    """The exact inverse (and transpose) of ``haar``."""
    b, c, h, w = z.shape
    blocks = torch.einsum("kj,bkchw->bcjhw", _basis(z), z.reshape(b, 4, c // 4, h, w))
    return F.pixel_shuffle(blocks.reshape(b, c, h, w), 2)
