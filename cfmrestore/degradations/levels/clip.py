"""Clipping."""

from cfmrestore.degradations.base import Fixed, NoParams
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image


@DEGRADATIONS.register_module()
class Clip(Fixed):
    """Clamp to [0, 1]."""

    clips = True

    def apply(self, image: Image, params: NoParams) -> Image:
        return image.clamp(0, 1)
