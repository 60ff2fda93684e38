"""Residual block with a time embedding."""

from typing import TypeVar

from jaxtyping import Float
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def zeroed(module: M) -> M:
    """Start a layer at zero, so that its block begins as the identity."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


def norm(groups: int | None, channels: int) -> nn.Module:
    """Group normalization, or none: then the amplitude of a feature map shows that of the image."""
    return nn.Identity() if groups is None else nn.GroupNorm(groups, channels)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions; the second normalization is scaled and shifted by the embedding (FiLM).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result.
        embedding_dim: Length of the time embedding.
        dropout: Probability before the second convolution.
        groups: Groups of the normalizations; None for none.
    """

    def __init__(
        self, in_channels: int, out_channels: int, embedding_dim: int, *, dropout: float = 0.0, groups: int | None = 32
    ) -> None:
        super().__init__()
        self.norm_1 = norm(groups, in_channels)
        self.conv_1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.film = nn.Linear(embedding_dim, 2 * out_channels)
        self.norm_2 = norm(groups, out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv_2 = zeroed(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)
        self.act = nn.SiLU()

    def forward(self, x: Float[Tensor, "b c_in h w"], embedding: Float[Tensor, "b d"]) -> Float[Tensor, "b c_out h w"]:
        scale, shift = self.film(self.act(embedding))[:, :, None, None].chunk(2, dim=1)
        y = self.conv_1(self.act(self.norm_1(x)))
        y = self.norm_2(y) * (1 + scale) + shift
        y = self.conv_2(self.dropout(self.act(y)))
        result: Tensor = self.skip(x) + y
        return result
