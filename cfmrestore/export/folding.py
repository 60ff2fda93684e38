"""Enlarging, encoding and decoding as convolutions, where the space of a flow is affine and local."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cfmrestore.couplings.base import Coupling
from cfmrestore.encoders.base import Encoder
from cfmrestore.execution import Execution
from cfmrestore.ops.pad import symmetric_pad
from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import Image, Latent

_MARGIN = 2
"""Pixels beyond its own that a bicubic or bilinear enlargement takes."""


def folds(coupling: Coupling) -> bool:
    """Whether a latent sample is an affine function of the pixels around one of the input."""
    space = coupling.encoder
    local = coupling.upsample in ("pixel", "bilinear") and space.reach == 0 and space.affine
    return local and space.downscale == coupling.scale


class FoldedLift(nn.Module):
    """``Coupling.lifted`` as one convolution, whose weights are its responses to single pixels."""

    def __init__(self, coupling: Coupling, execution: Execution) -> None:
        super().__init__()
        side = 4 * _MARGIN + 1
        impulses = torch.zeros(4, 3, side, side, dtype=torch.float64)  # none, red, green, blue
        impulses[[1, 2, 3], [0, 1, 2], side // 2, side // 2] = 1
        responses = coupling.lifted(impulses, ImageRng([]), execution)
        bias = responses[0, :, side // 2, side // 2]
        near = (responses[1:] - responses[:1])[..., _MARGIN : side - _MARGIN, _MARGIN : side - _MARGIN]
        self.register_buffer("weight", near.flip(-2, -1).transpose(0, 1).float().contiguous(), persistent=False)
        self.register_buffer("bias", bias.float(), persistent=False)

    weight: Tensor
    bias: Tensor

    def forward(self, image: Image) -> Latent:
        return F.conv2d(symmetric_pad(image, _MARGIN), self.weight, self.bias)


class FoldedDecoder(nn.Module):
    """``Encoder.decode`` as a convolution of single latent samples and a shuffle, whose weights are its responses."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        channels, self.factor = encoder.channels, encoder.downscale
        impulses = torch.cat([torch.zeros(1, channels), torch.eye(channels)]).double()[:, :, None, None]
        responses = F.pixel_unshuffle(encoder.decode(impulses), self.factor)
        weight, bias = (responses[1:] - responses[:1]).transpose(0, 1), responses[0, :, 0, 0]
        self.register_buffer("weight", weight.float().contiguous(), persistent=False)
        self.register_buffer("bias", bias.float(), persistent=False)

    weight: Tensor
    bias: Tensor

    def forward(self, latent: Latent) -> Image:
        return F.pixel_shuffle(F.conv2d(latent, self.weight, self.bias), self.factor)


class Lift(nn.Module):
    """``Coupling.lifted`` as it is."""

    def __init__(self, coupling: Coupling, execution: Execution) -> None:
        super().__init__()
        self.encoder, self.lifted, self.execution = coupling.encoder, coupling.lifted, execution

    def forward(self, image: Image) -> Latent:
        return self.lifted(image, ImageRng([]), self.execution)


class Decoder(nn.Module):
    """``Encoder.decode`` as it is."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, latent: Latent) -> Image:
        return self.encoder.decode(latent)
