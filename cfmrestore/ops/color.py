"""Color spaces."""

from jaxtyping import Float
from torch import Tensor

# ITU-R BT.601, studio swing, as in MATLAB's rgb2ycbcr: Y in [16, 235] / 255.
_LUMA = (65.481, 128.553, 24.966)


def luma(levels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Levels of Y of MATLAB's ``rgb2ycbcr``, from 16 for black to 235 for white, of the levels of RGB."""
    r, g, b = levels.unbind(dim=1)
    y = (_LUMA[0] / 255) * r
    for weight, channel in zip(_LUMA[1:], (g, b), strict=True):
        y.add_(channel, alpha=weight / 255)
    return y.add_(16)[:, None]


def gray_levels(level: Float[Tensor, "3 h w"]) -> Float[Tensor, "1 h w"]:
    """The brightness of one image in ITU-R BT.601 weights, rounded to whole levels."""
    r, g, b = level
    return (0.299 * r + 0.587 * g + 0.114 * b).round()[None]
