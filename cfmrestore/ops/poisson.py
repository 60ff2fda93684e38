"""Poisson numbers by inverting their distribution, so that equal uniform numbers give equal counts on every device."""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

_BINS = 4096


@lru_cache(maxsize=16)
def _tables(peak: int, levels: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The distribution functions F of the rates peak * i / (levels - 1), and the count in each bin of u.

    A bin that holds more than one count gives -1 - c, where c is the first.
    """
    rate = torch.arange(levels, dtype=torch.float64)[:, None] * peak / (levels - 1)
    k = torch.arange(int(peak + 10 * peak**0.5 + 12), dtype=torch.float64)
    log_p = torch.special.xlogy(k, rate) - rate - torch.lgamma(k + 1)
    distribution = log_p.exp().cumsum(1).to(torch.float32)
    distribution[:, -1] = 2.0  # ends every search
    edges = (torch.arange(_BINS + 1) / _BINS).expand(levels, -1).contiguous()
    first = torch.searchsorted(distribution, edges[:, :-1].contiguous(), right=True)
    last = torch.searchsorted(distribution, edges[:, 1:].contiguous())
    bins = torch.where(first == last, first, -1 - first)
    return distribution.flatten().to(device), bins.to(torch.int16).flatten().to(device)


def poisson(level: Int[Tensor, "*shape"], u: Float[Tensor, "*shape"], *, peak: int, levels: int = 256) -> Tensor:
    r"""The count :math:`\min\{k : F_\lambda(k) > u\}` at the rate :math:`\lambda` = peak * level / (levels - 1).

    u is uniform in [0, 1) with the 24 bits of a float32. A table over u's first 12 bits holds the answer but for few
    per cent, which are searched.

    Args:
        level: The rate as an integer in [0, levels).
        u: One uniform number a count.
        peak: The rate of the highest level.
        levels: How many rates there are.
    """
    distribution, bins = _tables(peak, levels, u.device)
    row, flat = level.flatten().int(), u.flatten()
    count = bins.index_select(0, torch.add((flat * _BINS).int(), row, alpha=_BINS)).to(torch.float32)
    left = (count < 0).nonzero().flatten()
    if len(left):
        count[left] = _search(distribution.view(levels, -1), row[left].long(), flat[left], -1 - count[left])
    return count.reshape(level.shape)


def _search(distribution: Tensor, row: Tensor, u: Tensor, low: Tensor) -> Tensor:
    """The first count from ``low`` on with F > u, by bisection."""
    start, size = row * distribution.shape[1], distribution.shape[1]
    distribution, low = distribution.flatten(), low.long()
    high = torch.full_like(low, size - 1)
    for _ in range(size.bit_length()):
        middle = (low + high) // 2
        above = distribution.index_select(0, start + middle) > u
        low, high = torch.where(above, low, middle + 1), torch.where(above, middle, high)
    return high.to(torch.float32)
