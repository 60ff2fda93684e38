"""Poisson sampling by inversion: equal uniform numbers give equal counts on every device."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

_LEVELS = 256  # rates: those of an 8-bit image
_BINS = 4096  # of u, in a table


@lru_cache(maxsize=16)
def _tables(peak: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The sums i + F of the rates peak * i / 255, rising from the first to the last, and the count in each bin of u.

    A bin that holds more than one count gives -1.
    """
    row = torch.arange(_LEVELS, dtype=torch.float64)[:, None]
    rate = row * peak / (_LEVELS - 1)
    k = torch.arange(int(peak + 10 * peak**0.5 + 12), dtype=torch.float64)
    distribution = (torch.special.xlogy(k, rate) - rate - torch.lgamma(k + 1)).exp().cumsum(1)
    distribution[:, -1] = 1  # ends every search
    rising = (row + distribution.clamp_max(1)).flatten()
    edges = row + torch.arange(_BINS + 1, dtype=torch.float64) / _BINS
    first = torch.searchsorted(rising, edges[:, :-1].contiguous(), right=True)
    last = torch.searchsorted(rising, edges[:, 1:].contiguous())
    bins = torch.where(first == last, first - row.long() * len(k), -1)
    return rising.to(device), bins.to(torch.int16).flatten().to(device)


def poisson(level: Int[Tensor, "*shape"], u: Float[Tensor, "*shape"], *, peak: int) -> Tensor:
    r"""The count :math:`\min\{k : F_\lambda(k) > u\}` at the rate :math:`\lambda` = peak * level / 255.

    u is uniform in [0, 1) with the 24 bits of a float32. A table over u's first 12 bits holds the answer but for few
    per cent, which are searched.

    Args:
        level: The rate as an integer from 0 to 255.
        u: One uniform number a count.
        peak: The rate of the highest level.
    """
    rising, bins = _tables(peak, u.device)
    row, flat = level.flatten().int(), u.flatten()
    count = bins.index_select(0, torch.add((flat * _BINS).int(), row, alpha=_BINS)).to(torch.float32)
    many = count < 0  # whose indices numpy finds in a tenth of the time
    left = torch.from_numpy(np.flatnonzero(many.numpy())) if many.device.type == "cpu" else many.nonzero().flatten()
    row = row[left]
    index = torch.searchsorted(rising, row + flat[left].double(), right=True)
    count[left] = (index - row * (len(rising) // _LEVELS)).float()
    return count.reshape(level.shape)
