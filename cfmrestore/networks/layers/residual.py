"""Residual block with a time embedding."""

from typing import Literal, TypeVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

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
        resample: "down" halves the size before the first convolution, by means of 2x2; "up" doubles it, by copies.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        embedding_dim: int,
        *,
        dropout: float = 0.0,
        groups: int | None = 32,
        resample: Literal["none", "down", "up"] = "none",
    ) -> None:
        super().__init__()
        self.resample = resample
        self.norm_1 = norm(groups, in_channels)
        self.conv_1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.film = nn.Linear(embedding_dim, 2 * out_channels)
        self.norm_2 = norm(groups, out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv_2 = zeroed(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.skip = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)
        self.act = nn.SiLU()

    def forward(self, x: Float[Tensor, "b c_in _ _"], embedding: Float[Tensor, "b d"]) -> Float[Tensor, "b c_out _ _"]:
        scale, shift = self.film(self.act(embedding))[:, :, None, None].chunk(2, dim=1)
        y = self.act(self.norm_1(x))
        if self.resample != "none":
            x, y = self._resized(x), self._resized(y)
        y = self.conv_1(y)
        y = self.norm_2(y) * (1 + scale) + shift
        y = self.conv_2(self.dropout(self.act(y)))
        result: Tensor = self.skip(x) + y
        return result

    def _resized(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2) if self.resample == "down" else F.interpolate(x, scale_factor=2, mode="nearest")
