"""Padding by reflection, for any amount and any size."""

import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.typing import Size


def reflect_index(length: int, before: int, after: int) -> Tensor:
    """Indices that mirror an axis at its first and last sample, as often as the amount needs."""
    period = max(2 * (length - 1), 1)
    index = torch.arange(-before, length + after).remainder(period)
    return torch.minimum(index, period - index) if length > 1 else torch.zeros_like(index)


def reflect_pad(x: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    """Reflect the last two axes; unlike torch's own padding it takes an image smaller than the margin."""
    if max(top, bottom) < x.shape[-2] and max(left, right) < x.shape[-1] and x.dim() in (3, 4):
        return F.pad(x, (left, right, top, bottom), mode="reflect")
    rows = reflect_index(x.shape[-2], top, bottom).to(x.device, non_blocking=True)
    columns = reflect_index(x.shape[-1], left, right).to(x.device, non_blocking=True)
    return x.index_select(-2, rows).index_select(-1, columns)


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Reflect at the bottom and the right until both sides are multiples; crop with ``crop_to`` afterwards."""
    # what -n % multiple is, for which torch.compile has no rule where sizes vary
    bottom, right = ((n + multiple - 1) // multiple * multiple - n for n in x.shape[-2:])
    return reflect_pad(x, 0, bottom, 0, right) if bottom or right else x


def crop_to(x: Tensor, size: Size) -> Tensor:
    """The top left part of the given height and width."""
    return x[..., : size[0], : size[1]]
