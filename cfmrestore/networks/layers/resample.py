"""Downsampling and upsampling of a feature map."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class Downsample(nn.Conv2d):
    """A 3x3 convolution of stride 2."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, stride=2, padding=1)


class Upsample(nn.Module):
    """Nearest neighbor, then a 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 2*h 2*w"]:
        result: Tensor = self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))
        return result
