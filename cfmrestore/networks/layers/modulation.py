"""Modulation: shifts, scales and gates of a block that follow the vector of the conditions."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cfmrestore.networks.layers.residual import zeroed


class Modulation(nn.Module):
    """Vectors from a linear layer of the block's own, zero at the start (adaLN-zero).

    Reference: Peebles and Xie, 2023, section 3.2 (arXiv:2212.09748).
    """

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.count = count
        self.linear = zeroed(nn.Linear(width, count * width))

    def forward(self, vector: Float[Tensor, "b d"]) -> Float[Tensor, "b count d"]:
        result: Tensor = self.linear(nn.functional.silu(vector)).unflatten(1, (self.count, -1))
        return result


class SharedModulation(nn.Module):
    """Vectors that all blocks share, plus a table of the block's own (adaLN-single).

    Reference: Chen et al., 2023, section 2.3 (arXiv:2310.00426). The table starts at zero, so that with a zeroed
    ``Modulation`` as what is shared blocks begin as the identity.
    """

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(count, width))

    def forward(self, shared: Float[Tensor, "b _ d"]) -> Float[Tensor, "b count d"]:
        return shared + self.table


def modulate(
    x: Float[Tensor, "b h w d"], shift: Float[Tensor, "b d"], scale: Float[Tensor, "b d"]
) -> Float[Tensor, "b h w d"]:
    """Tokens of each image scaled and shifted."""
    return x * (1 + scale[:, None, None]) + shift[:, None, None]
