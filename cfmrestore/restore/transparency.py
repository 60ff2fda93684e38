"""Transparency: it is restored beside the colors, which go on below what is invisible, so that no rim is seen."""

import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.holes import fill_by_weight
from cfmrestore.ops.resize import resize

_CLEAR = 1 / 16  # alpha from which on a color is seen well enough
_UNSEEN = 2 / 255  # and up to which it counts where nothing else is seen around
_LITTLE = 1e-6


def varies(alpha: Tensor | None) -> bool:
    """Whether there is any edge of transparency to restore."""
    return alpha is not None and bool((alpha != alpha.flatten()[0]).any())


def bounded(restored: Tensor, low: Tensor) -> Tensor:
    """Restored alpha within what the pixels around had: what is opaque stays so, and what is empty.

    Where linear interpolation is between empty pixels alone there was nothing, and between opaque ones no hole: what a
    network sees there is its own ringing, and would be a halo.
    """
    size = (restored.shape[-2], restored.shape[-1])
    high = F.interpolate(_around(low), size=size, mode="nearest")
    least = F.interpolate(-_around(-low), size=size, mode="nearest")
    between = F.interpolate(low, size=size, mode="bilinear")
    return torch.where((between <= 0) | (between >= 1), between, restored.clamp(least, high))


def _around(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


def extended(color: Tensor, alpha: Tensor) -> Tensor:
    """The colors that are seen, led on into what is not: a network finds no edge where only the transparency has one.

    What is hardly seen has as little say: of such pixels other programs have often rounded the color away.
    """
    seen = ((alpha - _UNSEEN) / (_CLEAR - _UNSEEN)).clamp(0, 1).square()
    return fill_by_weight(color, torch.where(alpha > 0, seen.clamp_min(_LITTLE), 0))


def with_hidden(restored: Tensor, alpha: Tensor, color: Tensor) -> Tensor:
    """The restored colors; where nothing is to be seen, those of the input."""
    enlarged = resize(color, size=(alpha.shape[-2], alpha.shape[-1])).clamp_(0, 1)
    return torch.where(alpha > 0, restored, enlarged)
