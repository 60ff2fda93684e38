"""Convolutional autoencoder: an encoder and a decoder without attention, for a space of one's own."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.typing import Image

LOG_VARIANCE = (-30.0, 20.0)


class ConvAutoencoder(nn.Module):
    r"""Residual blocks at each of n resolutions, of which the finest has half the pixels a side; the factor is 2^n.

    Pixels are folded into channels and back (2x2 each time), and features are normalized over the channels at each
    place, so that a latent depends on pixels within ``reach`` alone, whatever the size of the image.

    Args:
        channels: Of a latent.
        widths: Channels of the features at each resolution, the finest first.
        blocks: Residual blocks at each, of the encoder and of the decoder.
        variational: Whether the encoder gives mean and log variance of a Gaussian.
    """

    def __init__(
        self, *, channels: int = 4, widths: Sequence[int] = (64, 128), blocks: int = 2, variational: bool = False
    ) -> None:
        super().__init__()
        if not all(isinstance(n, int) and n > 0 for n in (channels, blocks, len(widths), *widths)):
            raise ValueError(f"channels, widths and blocks are 1 or more; got {channels}, {widths} and {blocks}")
        self.channels, self.downscale, self.variational = channels, 2 ** len(widths), variational
        down: list[nn.Module] = []
        up: list[nn.Module] = []
        for before, width in zip((3, *widths), widths, strict=False):
            stage = [ResidualBlock(width) for _ in range(blocks)]
            down += [nn.PixelUnshuffle(2), conv(4 * before, width), *stage]
            up = [*(ResidualBlock(width) for _ in range(blocks)), conv(width, 4 * before), nn.PixelShuffle(2), *up]
        last = widths[-1]
        self.encoder = nn.Sequential(*down, ChannelNorm(last), conv(last, channels * (2 if variational else 1)))
        self.decoder = nn.Sequential(conv(channels, last), *up)
        strides = [2 ** (level + 1) for level in range(len(widths))]
        pixels = sum(stride * (1 + 2 * blocks) for stride in strides) + strides[-1]
        self.reach = -(-pixels // self.downscale)

    def encode(self, image: Image) -> Tensor:
        """The raw latent of images in [0, 1], or its mean and log variance along the channels."""
        return self.encoder(2 * image - 1)

    def decode(self, latent: Tensor) -> Image:
        """The images of raw latents; values may leave [0, 1] a little."""
        return (self.decoder(latent) + 1) / 2

    def split(self, moments: Tensor) -> tuple[Tensor, Tensor | None]:
        """Mean and log variance of moments; without the second where there is none."""
        if not self.variational:
            return moments, None
        mean, log_variance = moments.chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE)


class ChannelNorm(nn.Module):
    """Features at each place divided by their root mean square over the channels, with a gain each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * (x.square().mean(dim=1, keepdim=True) + 1e-6).rsqrt() * self.gain[:, None, None]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a skip; at first they add nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(width)
        self.first, self.second = conv(width, width), conv(width, width)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(self.norm(x))))


def conv(inputs: int, outputs: int) -> nn.Conv2d:
    """3x3, at the size of its input."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer
