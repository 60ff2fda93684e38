"""Grayscale: a photograph without color, what colorization starts from."""

from cfmrestore.degradations.base import Fixed, NoParams
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image


@DEGRADATIONS.register_module()
class Grayscale(Fixed):
    r"""Put the luma :math:`0.299 r + 0.587 g + 0.114 b` (ITU-R BT.601, full range) into all three channels."""

    linear = True

    def apply(self, image: Image, params: NoParams) -> Image:
        r, g, b = image.unbind(dim=1)
        return (0.299 * r + 0.587 * g + 0.114 * b)[:, None].repeat(1, 3, 1, 1)
