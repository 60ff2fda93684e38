"""What is compared: which channel, without which border, rounded as a file would be."""

from jaxtyping import Float
from torch import Tensor

from cfmrestore.ops.color import luma
from cfmrestore.typing import Image


def prepare(image: Image, *, channel: str = "y", border: int = 0) -> Float[Tensor, "b _ _ _"]:
    """Levels 0 to 255 in float64, rounded to integers.

    Args:
        image: RGB in [0, 1].
        channel: "y" is MATLAB's luma of the 8-bit image, rounded again; "rgb" keeps the three channels.
        border: Pixels cut at each side.
    """
    levels = (image.double().clamp(0, 1) * 255).round()
    if channel == "y":
        levels = (luma(levels / 255) * 255).round()
    elif channel != "rgb":
        raise ValueError(f"channel must be 'y' or 'rgb'; got {channel!r}")
    height, width = levels.shape[-2:]
    if 2 * border >= min(height, width):
        raise ValueError(f"a border of {border} leaves nothing of {height}x{width}")
    return levels[..., border : height - border, border : width - border]
