"""Clipping."""

from cfmrestore.degradations.base import Fixed, NoParams
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image


@DEGRADATIONS.register_module()
class Clip(Fixed):
    """Clamp to [0, 1]."""

    clips = True

    def noise_level(self, params: NoParams) -> float:
        """None: what is sought lies in [0, 1], and so does most of what operators make of it."""
        return 0.0

    def apply(self, image: Image, params: NoParams) -> Image:
        return image.clamp(0, 1)
