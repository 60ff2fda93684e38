"""Quantization to the levels of an image file."""

from cfmrestore.degradations.base import Fixed, NoParams
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image


@DEGRADATIONS.register_module()
class Quantize(Fixed):
    """Clamp to [0, 1] and round to equidistant levels.

    Args:
        levels: How many; 256 is an 8-bit file.
    """

    clips = True

    def __init__(self, *, levels: int = 256) -> None:
        if not isinstance(levels, int) or levels < 2:
            raise ValueError(f"need a whole number of two levels or more; got {levels}")
        self.levels = levels

    def noise_level(self, params: NoParams) -> float:
        """Of an error that is uniform in a level; that it clamps is left out, as of ``Clip``."""
        return 1 / ((self.levels - 1) * 12**0.5)

    def apply(self, image: Image, params: NoParams) -> Image:
        return (image.clamp(0, 1) * (self.levels - 1)).round() / (self.levels - 1)
