"""Normalization of the features of a token."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class RMSNorm(nn.RMSNorm):
    """Division by the root mean square, times a weight and in its precision.

    Reference: Zhang and Sennrich, 2019 (arXiv:1910.07467).
    """

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)

    def forward(self, x: Float[Tensor, "... d"]) -> Float[Tensor, "... d"]:
        return F.rms_norm(x.to(self.weight.dtype), self.normalized_shape, self.weight, self.eps)


def token_norm(kind: str, width: int) -> nn.Module:
    """Layer normalization without weights of its own, which a modulation gives ("layer"), or RMSNorm ("rms")."""
    return RMSNorm(width) if kind == "rms" else nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
