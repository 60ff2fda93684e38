"""Saturation."""

from cfmrestore.degradations.base import Degradation, NoParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image, Size


@DEGRADATIONS.register_module()
class Clip(Degradation[NoParams]):
    """Clamp to [0, 1]."""

    def sample(self, size: Size, rng: ImageRng) -> NoParams:
        del size, rng
        return NoParams()

    def apply(self, image: Image, params: NoParams) -> Image:
        del params
        return image.clamp(0, 1)
