"""Encoder base class: what every encoder promises."""

import hashlib
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from cfmrestore.ops.rng import ImageRng
from cfmrestore.plugins import broken
from cfmrestore.typing import Image, Latent

_PROMISED = ("channels", "downscale", "scale", "shift")


class Encoder(nn.Module, ABC):
    """Maps images in [0, 1] to standardized latents and back.

    ``encode = sample(moments(image))`` in two steps, because what a cache stores are the moments, never a draw from
    them. Latents are ``(raw - shift) * scale``. Encoders are frozen: they leave the parameters of a flow alone.
    """

    channels: int
    """Channels of a latent."""

    downscale: int
    """Pixels a latent sample, along each side; both sides of an image must be multiples of it."""

    scale: float
    shift: float

    draws = False
    """Whether a latent is drawn from its moments, and not just a function of them."""

    affine = False
    """Whether ``decode`` is a linear map of the latent plus an image that does not depend on it."""

    reach: int | None = None
    """How many latent samples beyond its own place a pixel or a latent sample depends on; None where that is far."""

    def __getattr__(self, name: str) -> Any:
        if name in _PROMISED:
            raise broken(self, "encoder", f"it has no {name}: set {', '.join(_PROMISED)}")
        return super().__getattr__(name)

    @abstractmethod
    def moments(self, image: Image) -> Tensor:
        """What the encoder says of an image: the raw latent, or its mean and log variance along the channels."""

    @abstractmethod
    def decode(self, latent: Latent) -> Image:
        """The image of a standardized latent; values may leave [0, 1] a little."""

    def sample(self, moments: Tensor, rng: ImageRng | None = None) -> Latent:
        """A standardized latent; an encoder without randomness has one only, and needs no generator."""
        return (moments - self.shift) * self.scale

    def moments_of(self, image: Image) -> Tensor:
        """The moments of an image whose size fits."""
        height, width = image.shape[-2:]
        if height % self.downscale or width % self.downscale:
            raise ValueError(
                f"{type(self).__name__} takes sides that are multiples of {self.downscale}; got {height}x{width}: "
                "crop or pad the image"
            )
        return self.moments(image)

    def encode(self, image: Image, rng: ImageRng | None = None) -> Latent:
        """Image to latent."""
        height, width = image.shape[-2:]
        latent = self.sample(self.moments_of(image), rng)
        promised = (image.shape[0], self.channels, height // self.downscale, width // self.downscale)
        if tuple(latent.shape) != promised:
            raise broken(
                self, "encoder", f"an image of {height}x{width} becomes a latent of {tuple(latent.shape)}, where "
                f"{promised} was promised (channels, downscale)"
            )  # fmt: skip
        return latent

    def raw(self, latent: Latent) -> Latent:
        """Undo the standardization."""
        return latent / self.scale + self.shift

    def digest(self) -> str:
        """A fingerprint of what the encoder computes: its description and every weight."""
        sha = hashlib.sha256(f"{type(self).__name__} {self.extra_repr()}".encode())
        for name, value in sorted(self.state_dict().items()):
            sha.update(name.encode())
            sha.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return sha.hexdigest()[:16]

    def extra_repr(self) -> str:
        return f"channels={self.channels}, downscale={self.downscale}, scale={self.scale:g}, shift={self.shift:g}"

    def freeze(self) -> None:
        """Weights without gradients, layers in evaluation mode, convolutions in the layout that is fastest."""
        self.requires_grad_(False).eval()
        for weight in self.parameters():
            if weight.dim() == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> "Encoder":
        """A frozen encoder stays in evaluation mode, also when the flow around it trains."""
        return super().train(False)
