"""Pixels that are compared: which channel, without which border, rounded as a file would be."""

from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.color import luma
from cfmrestore.ops.opencv import on_cpu
from cfmrestore.ops.parallel import SINGLE, map_images
from cfmrestore.typing import Image

LARGE = 1 << 20  # elements of an image from which several threads share it: for less they wait longer than they work
_STRIPE = SINGLE  # elements at a time: what is between stays in the cache, and torch takes no threads of its own


def prepare(image: Image, *, channel: str = "y", border: int = 0, rounded: bool = True) -> Float[Tensor, "b _ _ _"]:
    """Levels 0 to 255 in float64 of the image as an 8-bit file.

    Args:
        image: RGB in [0, 1].
        channel: "y" is MATLAB's luma; "rgb" keeps the three channels.
        border: Pixels cut at each side.
        rounded: Round the luma to integers too.
    """
    check_batch(image)
    height, width = image.shape[-2:]
    if 2 * border >= min(height, width):
        raise ValueError(f"a border of {border} leaves nothing of {height}x{width}")
    if channel not in ("y", "rgb"):
        raise ValueError(f"channel must be 'y' or 'rgb'; got {channel!r}")
    inside = image[..., border : height - border, border : width - border]
    if not on_cpu(image):
        return _levels(inside, channel, rounded)
    function = partial(_levels, channel=channel, rounded=rounded)
    stripes = inside.split(max(1, _STRIPE * inside.shape[-2] // inside.numel()), dim=-2)
    return torch.cat(map_images(function, stripes) if image.numel() > LARGE else [*map(function, stripes)], dim=-2)


def _levels(image: Image, channel: str, rounded: bool) -> Float[Tensor, "b _ _ _"]:
    levels = image.clamp(0, 1).double().mul_(255).round_()
    if channel == "rgb":
        return levels
    levels = luma(levels)
    return levels.round_() if rounded else levels


def check_batch(*images: Tensor) -> None:
    """Refuse what is no batch of images, whose channels would be taken for images, and those of different shapes."""
    for x in images:
        if x.dim() != 4:
            raise ValueError(f"images are measured in batches, (b, c, h, w); got {tuple(x.shape)}: give image[None]")
    if len({x.shape for x in images}) > 1:
        shapes = " and ".join("x".join(map(str, x.shape)) for x in images)
        raise ValueError(f"images are compared with others of their size and channels; got {shapes}")


def check_levels(*images: Tensor, peak: float = 255.0) -> None:
    """Refuse what is plainly in [0, 1] where white is 255: the numbers would look right and be wrong."""
    check_batch(*images)
    for x in images if peak == 255 else ():
        if x.numel() and 0 < float(x.max()) <= 1 and float(x.min()) >= 0 and bool((x != x.round()).any()):
            raise ValueError(
                "these pixels lie in [0, 1], and levels of 0 to 255 are compared: give prepare(image), of "
                "cfmrestore.evaluation.functional.prepare, or peak=1 to the functions that have it"
            )


def halve(levels: Float[Tensor, "b c h w"], *, mode: str = "constant") -> Float[Tensor, "b c _ _"]:
    """Means of 2x2 pixels; beyond an odd last row or column lie zeros, or what the mode of padding says."""
    height, width = levels.shape[-2:]
    return F.avg_pool2d(F.pad(levels, (0, width % 2, 0, height % 2), mode=mode), 2)
