"""Identity encoder: the flow runs on pixels."""

from cfmrestore.encoders.base import Encoder
from cfmrestore.registry import ENCODERS
from cfmrestore.typing import Image, Latent


@ENCODERS.register_module()
class Identity(Encoder):
    """Pixels, scaled from [0, 1] to [-1, 1]."""

    channels = 3
    downscale = 1
    scale = 2.0
    shift = 0.5
    reach = 0
    affine = True

    def moments(self, image: Image) -> Latent:
        return image

    def decode(self, latent: Latent) -> Image:
        return self.raw(latent)
