"""Poisson numbers by inverting their distribution, so that equal uniform numbers give equal counts on every device."""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

_LEVELS = 256  # rates: those of an 8-bit image
_BINS = 4096  # of u, in a table


@lru_cache(maxsize=16)
def _tables(peak: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The distribution functions F of the rates peak * i / 255, a row each, and the count in each bin of u.

    A bin that holds more than one count gives -1 - c, where c is the first.
    """
    rate = torch.arange(_LEVELS, dtype=torch.float64)[:, None] * peak / (_LEVELS - 1)
    k = torch.arange(int(peak + 10 * peak**0.5 + 12), dtype=torch.float64)
    log_p = torch.special.xlogy(k, rate) - rate - torch.lgamma(k + 1)
    distribution = log_p.exp().cumsum(1).to(torch.float32)
    distribution[:, -1] = 2.0  # ends every search
    edges = (torch.arange(_BINS + 1) / _BINS).expand(_LEVELS, -1).contiguous()
    first = torch.searchsorted(distribution, edges[:, :-1].contiguous(), right=True)
    last = torch.searchsorted(distribution, edges[:, 1:].contiguous())
    bins = torch.where(first == last, first, -1 - first)
    return distribution.to(device), bins.to(torch.int16).flatten().to(device)


def poisson(level: Int[Tensor, "*shape"], u: Float[Tensor, "*shape"], *, peak: int) -> Tensor:
    r"""The count :math:`\min\{k : F_\lambda(k) > u\}` at the rate :math:`\lambda` = peak * level / 255.

    u is uniform in [0, 1) with the 24 bits of a float32. A table over u's first 12 bits holds the answer but for few
    per cent, which are searched.

    Args:
        level: The rate as an integer from 0 to 255.
        u: One uniform number a count.
        peak: The rate of the highest level.
    """
    distribution, bins = _tables(peak, u.device)
    row, flat = level.flatten().int(), u.flatten()
    count = bins.index_select(0, torch.add((flat * _BINS).int(), row, alpha=_BINS)).to(torch.float32)
    left = (count < 0).nonzero().flatten()
    if len(left):
        count[left] = _search(distribution, row[left].long(), flat[left], -1 - count[left])
    return count.reshape(level.shape)


def _search(distribution: Tensor, row: Tensor, u: Tensor, first: Tensor) -> Tensor:
    """The first count from ``first`` on with F > u: mostly that one or the next, else by bisection."""
    start, flat, low = row * distribution.shape[1], distribution.flatten(), first.long()
    low += flat.index_select(0, start + low) <= u
    left = (flat.index_select(0, start + low) <= u).nonzero().flatten()
    if len(left):
        low[left] = _bisect(flat, start[left], u[left], low[left], distribution.shape[1])
    return low.to(torch.float32)


def _bisect(flat: Tensor, start: Tensor, u: Tensor, low: Tensor, size: int) -> Tensor:
    high = torch.full_like(low, size - 1)
    for _ in range(size.bit_length()):
        middle = (low + high) // 2
        above = flat.index_select(0, start + middle) > u
        low, high = torch.where(above, low, middle + 1), torch.where(above, middle, high)
    return high
