"""TAEF2: a small distilled autoencoder for the latent space of FLUX.2."""

from pathlib import Path
from textwrap import shorten

import torch
from torch import Tensor, nn

from cfmrestore.encoders.base import Encoder
from cfmrestore.registry import ENCODERS
from cfmrestore.typing import Image, Latent

WIDTH = 64
CHANNELS = 32


@ENCODERS.register_module()
class TAEF2(Encoder):
    """The TAESD family's autoencoder for FLUX.2 (madebyollin/taesd, MIT): deterministic, latents of deviation 0.85.

    diffusers' AutoencoderTiny cannot hold it: its blocks at the lowest resolution see, through a group norm, the
    whole image.

    Args:
        path: A folder that holds taef2_encoder.pth and taef2_decoder.pth.
        scale: Latents are ``(raw - shift) * scale``.
        shift: See scale.
    """

    channels = CHANNELS
    downscale = 8

    def __init__(self, *, path: str, scale: float = 1.0, shift: float = 0.0) -> None:
        super().__init__()
        self.scale, self.shift = float(scale), float(shift)
        self.encoder, self.decoder = build_encoder(), build_decoder()
        folder = Path(path).expanduser()
        read_weights(self.encoder, folder / "taef2_encoder.pth")
        read_weights(self.decoder, folder / "taef2_decoder.pth")
        self.freeze()

    def moments(self, image: Image) -> Latent:
        return self.encoder(image)

    def decode(self, latent: Latent) -> Image:
        return self.decoder(self.raw(latent))


class Clamp(nn.Module):
    """Bend latents into (-3, 3): what the decoder has seen."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x / 3) * 3


class Block(nn.Module):
    """Three convolutions beside a skip; with ``pool``, after a layer whose norm looks at the whole image."""

    def __init__(self, *, pool: bool = False) -> None:
        super().__init__()
        self.conv = nn.Sequential(conv(WIDTH), nn.ReLU(inplace=True), conv(WIDTH), nn.ReLU(inplace=True), conv(WIDTH))
        wide = 4 * WIDTH
        self.pool = (
            nn.Sequential(
                nn.Conv2d(WIDTH, wide, 1, bias=False),
                nn.GroupNorm(4, wide),
                nn.ReLU(inplace=True),
                nn.Conv2d(wide, WIDTH, 1, bias=False),
            )
            if pool
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.pool is not None:
            x = x + self.pool(x)
        return (self.conv(x) + x).relu_()


def conv(inputs: int, outputs: int = WIDTH, *, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, stride=stride, bias=bias)


def build_encoder() -> nn.Sequential:
    """The place of a layer is its number in the file of weights."""
    layers: list[nn.Module] = [conv(3), Block()]
    for lowest in (False, False, True):
        layers += [conv(WIDTH, stride=2, bias=False), *(Block(pool=lowest) for _ in range(3))]
    return nn.Sequential(*layers, conv(WIDTH, CHANNELS))


def build_decoder() -> nn.Sequential:
    """The place of a layer is its number in the file of weights."""
    layers: list[nn.Module] = [Clamp(), conv(CHANNELS), nn.ReLU(inplace=True)]
    for lowest in (True, False, False):
        layers += [*(Block(pool=lowest) for _ in range(3)), nn.Upsample(scale_factor=2), conv(WIDTH, bias=False)]
    return nn.Sequential(*layers, Block(), conv(WIDTH, 3))


def read_weights(network: nn.Module, file: Path) -> None:
    """Fill a network from a state dict, half precision or not."""
    if not file.is_file():
        raise ValueError(f"TAEF2 needs {file}, which does not exist: path names the folder of the two .pth files")
    try:
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:  # a damaged file and foreign weights fail in many ways
        reason = shorten(f"{type(error).__name__}: {error}", 200)
        raise ValueError(f"{file} does not hold the weights of TAEF2 ({reason})") from error
