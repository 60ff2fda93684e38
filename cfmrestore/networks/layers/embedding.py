"""Embedding of a scalar, such as time."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.typing import PerImage


class TimeEmbedding(nn.Module):
    r"""Sinusoids of geometrically spaced frequencies, then two linear layers.

    .. math:: \left(\cos(\omega_k s t), \sin(\omega_k s t)\right)_k, \qquad \omega_k = 10^{-4 k / K}, \; K = d / 2

    Reference: Vaswani et al., 2017, section 3.5 (arXiv:1706.03762).

    Args:
        dim: Length d of the sinusoids, even.
        out_dim: Length of the result.
        time_scale: The factor s. FMBoost and LFM use 1, diffusion models count to 1000.
    """

    frequencies: Tensor

    def __init__(self, dim: int, out_dim: int, *, time_scale: float = 1.0) -> None:
        super().__init__()
        half = dim // 2
        exponent = torch.arange(half, dtype=torch.float32) / half
        self.register_buffer("frequencies", time_scale * torch.exp(-math.log(1e4) * exponent), persistent=False)
        self.mlp = nn.Sequential(nn.Linear(dim, out_dim), nn.SiLU(), nn.Linear(out_dim, out_dim))

    def forward(self, t: PerImage) -> Float[Tensor, "b d"]:
        angle = t.to(torch.promote_types(t.dtype, torch.float32))[:, None] * self.frequencies
        sinusoids = torch.cat([angle.cos(), angle.sin()], dim=1)
        embedding: Tensor = self.mlp(sinusoids.to(next(self.mlp.parameters()).dtype))
        return embedding
