"""An encoder that takes large images tile by tile, and keeps what it puts together where the image lies."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from cfmrestore.encoders.base import Encoder
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.tiles import TileBlender, Tiling
from cfmrestore.typing import Image, Latent


class TiledEncoder(Encoder):
    """The same space as the encoder that it wraps; no plugin of its own.

    An encoder that sees no farther than a latent sample is cut without overlap.

    Args:
        encoder: What encodes and decodes a tile, on its own device.
        tiling: The tiles, in latent samples.
        device: Where the encoder is.
    """

    def __init__(self, encoder: Encoder, tiling: Tiling, device: torch.device) -> None:
        super().__init__()
        self.whole = (encoder,)  # a tuple, so that moving or saving this moves and saves nothing
        self.tiling = replace(tiling, overlap=0) if encoder.reach == 0 else tiling
        self.device = device
        self.channels, self.downscale = encoder.channels, encoder.downscale
        self.scale, self.shift, self.reach = encoder.scale, encoder.shift, encoder.reach
        self.draws, self.affine = encoder.draws, encoder.affine

    def encode(self, image: Image, rng: ImageRng | None = None) -> Latent:
        """Tile by tile to the latent; one that is drawn is drawn for the whole, so that tiles do not move the noise."""
        encoder = self.whole[0]
        return super().encode(image, rng) if self.draws else self._tiled(encoder.encode, image)

    def moments(self, image: Image) -> Tensor:
        return self._tiled(self.whole[0].moments, image)

    def _tiled(self, function: Callable[[Image], Tensor], image: Image) -> Tensor:
        m = self.downscale
        blender = TileBlender((image.shape[-2] // m, image.shape[-1] // m), self.tiling)
        for cut in blender.cuts:
            blender.add(cut, function(cut(image, m).to(self.device)).to(image.device))
        return blender.blended

    def sample(self, moments: Tensor, rng: ImageRng | None = None) -> Latent:
        return self.whole[0].sample(moments, rng)

    def decode(self, latent: Latent) -> Image:
        blender = TileBlender((latent.shape[-2], latent.shape[-1]), self.tiling)
        for cut in blender.cuts:
            blender.add(cut, self.whole[0].decode(cut(latent).to(self.device)).to(latent.device))
        return blender.blended
