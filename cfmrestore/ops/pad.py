"""Padding by reflection, for any amount and any size."""

import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.typing import Size


def is_symbolic(x: Tensor) -> bool:
    """Whether height and width are left open, in a graph that is being exported: no branch may look at them."""
    return any(isinstance(n, torch.SymInt) for n in x.shape[-2:])


def symmetric_pad(x: Tensor, margin: int) -> Tensor:
    """Mirror the last two axes at their edges, first and last sample twice; slices alone, for any size of a graph."""
    for n in range(margin):  # what lies n beyond an edge lies n within, and 2 n once it was padded n times
        first, last = slice(2 * n, 2 * n + 1), slice(-2 * n - 1, -2 * n or None)
        x = torch.cat([x[..., first, :], x, x[..., last, :]], dim=-2)
        x = torch.cat([x[..., first], x, x[..., last]], dim=-1)
    return x


def reflect_index(length: int, before: int, after: int) -> Tensor:
    """Indices that mirror an axis at its first and last sample, as often as the amount needs."""
    index = torch.arange(-before, length + after)
    period = index.new_full((), torch.sym_max(2 * (length - 1), 1))
    index = index.remainder(period)
    return torch.minimum(index, period - index)  # zeros where the axis has one sample


def reflect_pad(x: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    """Reflect the last two axes; unlike torch's own padding it takes an image smaller than the margin."""
    if not is_symbolic(x) and max(top, bottom) < x.shape[-2] and max(left, right) < x.shape[-1] and x.dim() in (3, 4):
        return F.pad(x, (left, right, top, bottom), mode="reflect")
    rows = reflect_index(x.shape[-2], top, bottom).to(x.device, non_blocking=True)
    columns = reflect_index(x.shape[-1], left, right).to(x.device, non_blocking=True)
    return x.index_select(-2, rows).index_select(-1, columns)


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Reflect at the bottom and the right until both sides are multiples; crop with ``crop_to`` afterwards."""
    if multiple == 1:
        return x
    # what -n % multiple is, for which torch.compile has no rule where sizes vary
    bottom, right = ((n + multiple - 1) // multiple * multiple - n for n in x.shape[-2:])
    return reflect_pad(x, 0, bottom, 0, right) if is_symbolic(x) or bottom or right else x


def crop_to(x: Tensor, size: Size) -> Tensor:
    """The top left part of the given height and width."""
    if is_symbolic(x):  # by indices, since a slice compares its end with the size
        rows, columns = (torch.arange(n, device=x.device) for n in size)
        return x.index_select(-2, rows).index_select(-1, columns)
    return x[..., : size[0], : size[1]]
