"""Transparency: colors are restored multiplied by it, so that what is invisible bleeds into nothing."""

import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.resize import resize

_SEEN = 1 / 255


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


def divided(premultiplied: Tensor, alpha: Tensor, color: Tensor) -> Tensor:
    """The colors again; where nothing is to be seen, those of the input."""
    enlarged = resize(color, size=(alpha.shape[-2], alpha.shape[-1])).clamp_(0, 1)
    return torch.where(alpha < _SEEN, enlarged, (premultiplied / alpha.clamp_min(_SEEN)).clamp_(0, 1))
