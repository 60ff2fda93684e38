"""How much of an image repeats with a fixed period of pixels."""

import torch
from torch import Tensor

_PERIODS = 16  # a side of a tile, so that its frequencies are exact and the surroundings far enough
_RING = (4, 5)  # bins away: a Hann window's own line is two bins wide on each side


def grid_power(plane: Tensor, period: int = 4) -> float:
    r"""Power at the frequencies of a lattice over that of the frequencies around each, in decibels.

    .. math:: \frac{1}{p^2 - 1} \sum_{k \ne 0} 10 \log_{10} \frac{P(k / p)}{\bar P_k}, \qquad k \in \{0, ..., p - 1\}^2

    with P the mean power spectrum of windowed tiles of 16 p pixels, which half overlap, and :math:`\bar P_k` its median
    over the frequencies that lie four or five bins around k / p. White noise has 0. A pattern that repeats each p
    pixels has all its power there, however weak it is beside the detail. What stands upright in photographs puts some
    on the axes, which gives them a decibel or two.

    Args:
        plane: Luma (h, w), of any unit.
        period: p, in pixels.
    """
    side = _PERIODS * period
    if min(plane.shape) < side:
        raise ValueError(f"GridPower of period {period} looks at tiles of {side} pixels; got {tuple(plane.shape)}")
    tiles = plane.double().unfold(0, side, side // 2).unfold(1, side, side // 2).flatten(0, 1)
    window = torch.hann_window(side, dtype=torch.float64, device=plane.device)
    tiles = (tiles - tiles.mean(dim=(1, 2), keepdim=True)) * window * window[:, None]
    power = torch.fft.fft2(tiles).abs().square().mean(dim=0) + torch.finfo(torch.float32).tiny
    offsets = range(-_RING[1], _RING[1] + 1)
    ring = [(i, j) for i in offsets for j in offsets if max(abs(i), abs(j)) in _RING]
    rows, columns = (torch.tensor(one, device=plane.device) for one in zip(*ring, strict=True))
    lattice = [(_PERIODS * i, _PERIODS * j) for i in range(period) for j in range(period) if i or j]
    around = torch.stack([power[(i + rows) % side, (j + columns) % side].median() for i, j in lattice])
    there = torch.stack([power[i, j] for i, j in lattice])
    return float(10 * (there / around).log10().mean())
