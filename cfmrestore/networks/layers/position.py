"""Positions of tokens on a grid: a table that is added to them, and a rotation of queries and keys."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.typing import Size


def sincos_table(size: Size, width: int, side: int, device: torch.device) -> Float[Tensor, "h w width"]:
    r"""Sinusoids of column and row, half of the features each.

    .. math:: \left(\sin(\omega_k p)\right)_k, \left(\cos(\omega_k p)\right)_k, \qquad \omega_k = 10^{-4 k / K}, \;
        K = \text{width} / 4

    A grid of another side than that of the training lies centered on it: positions are integers that go on at both
    ends, never stretched. At that side the table is DiT's (Peebles and Xie, 2023, arXiv:2212.09748).
    """
    rows, columns = (_sinusoids(n, (side - n) // 2, width // 4, device) for n in size)
    return torch.cat([columns.expand(size[0], -1, -1), rows[:, None].expand(-1, size[1], -1)], dim=-1)


def _sinusoids(length: int, origin: int, count: int, device: torch.device) -> Float[Tensor, "n _"]:
    angle = torch.arange(origin, origin + length, device=device)[:, None] * _frequencies(count, device)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def axial_rotation(
    size: Size, head_dim: int, device: torch.device, *, shift: int = 0, period: int | None = None
) -> Float[Tensor, "2 h w half"]:
    """Cosines and sines of the rotary embedding: half of the pairs of features turn with the row, half with the column.

    Positions are integers that begin at 0, never stretched to a trained size. With a period they are those within
    windows of that many tokens, of which one begins at ``shift``.

    Reference: Su et al., 2021, equation 34 (arXiv:2104.09864), one axis; theta = 10^4.
    """
    omega = _frequencies(head_dim // 4, device)
    positions = (torch.arange(n, device=device) - shift for n in size)
    rows, columns = ((p if period is None else p.remainder(period))[:, None] * omega for p in positions)
    angle = torch.cat([rows[:, None].expand(-1, size[1], -1), columns.expand(size[0], -1, -1)], dim=-1)
    return torch.stack([angle.cos(), angle.sin()])


def rotate(x: Float[Tensor, "b h w n d"], rotation: Float[Tensor, "2 h w half"] | None) -> Float[Tensor, "b h w n d"]:
    """Turn each pair of features (i, i + d/2) by its angle, in float32 at least; without a rotation they stay."""
    if rotation is None:
        return x
    cos, sin = rotation[:, :, :, None].unbind()
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).to(x.dtype)


def _frequencies(count: int, device: torch.device) -> Float[Tensor, " count"]:
    return 1e4 ** (-torch.arange(count, dtype=torch.float32, device=device) / count)
