"""Encoders by tiles."""

import pytest
import torch
from torch import Tensor, nn

from cfmrestore.encoders import Encoder, Haar, Identity
from cfmrestore.execution import TiledEncoder
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.tiles import Tiling

CPU = torch.device("cpu")


class Seeing(Encoder):
    """Sees one latent sample far, and may draw."""

    channels, downscale, scale, shift = 4, 2, 1.5, 0.2

    def __init__(self, *, draws: bool = False) -> None:
        super().__init__()
        self.draws = draws
        self.down, self.up = nn.Conv2d(3, 4, 4, stride=2, padding=1), nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1)
        self.freeze()

    def moments(self, image: Tensor) -> Tensor:
        return self.down(image)

    def sample(self, moments: Tensor, rng: ImageRng | None = None) -> Tensor:
        latent = super().sample(moments)
        return latent + rng.normal(*latent.shape[1:]) if self.draws and rng is not None else latent

    def decode(self, latent: Tensor) -> Tensor:
        return self.up(self.raw(latent))


@pytest.mark.parametrize("encoder", [Identity(), Haar(factor=2), Haar(factor=4), Seeing(), Seeing(draws=True)], ids=str)
@pytest.mark.parametrize("tiling", [Tiling(8, 4), Tiling(16, 8, 2), Tiling(20, 4)], ids=str)
def test_tiles_change_nothing(encoder: Encoder, tiling: Tiling) -> None:
    tiled = TiledEncoder(encoder, tiling, CPU)
    image = torch.rand(2, 3, 44 * encoder.downscale, 31 * encoder.downscale)
    whole = encoder.encode(image, ImageRng([1, 2]))
    assert torch.allclose(tiled.encode(image, ImageRng([1, 2])), whole, atol=1e-5)
    assert torch.allclose(tiled.decode(whole), encoder.decode(whole), atol=1e-5)


@pytest.mark.parametrize("encoder", [Identity(), Haar(factor=4)], ids=["identity", "haar"])
def test_a_reach_of_zero_is_true(encoder: Encoder) -> None:
    assert encoder.reach == 0
    image = torch.rand(1, 3, 16, 16)
    changed = image.clone()
    changed[..., 4:8, 8:12] = 0
    moved = (encoder.encode(image) - encoder.encode(changed)).abs().amax(dim=(0, 1)) > 0
    m = encoder.downscale
    assert moved[4 // m : 8 // m, 8 // m : 12 // m].all()
    assert moved.sum() == (4 // m) ** 2
