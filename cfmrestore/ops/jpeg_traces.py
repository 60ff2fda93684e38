"""Traces of JPEG in pixels: its grid of blocks, and the quality by whose steps their coefficients lie."""

from typing import NamedTuple

import numpy as np

from cfmrestore.ops.traces import BLOCK, Plane, blocks_of

_K = np.arange(BLOCK)
_DCT = np.sqrt(2 / BLOCK) * np.cos(np.pi * (2 * _K[None] + 1) * _K[:, None] / (2 * BLOCK))
_DCT[0] /= np.sqrt(2)
_HIGH = _K[:, None] + _K[None] >= BLOCK - 1
_QUALITIES = range(20, 99)
_ROUNDING = 0.6  # levels: what 8 bits of RGB leave of a coefficient's multiple
_ASTRAY = 0.1  # the share of coefficients that lie anywhere
_EVIDENCE = 20.0  # logarithm of the least product: a few coefficients are multiples of large steps by chance

# Luminance steps of quality 50: ITU-T T.81, table K.1.
_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


class Grid(NamedTuple):
    """One of the 64 grids of 8x8 blocks, by its first row and column, and how much it looks like that of JPEG."""

    row: int
    column: int
    strength: float


def jpeg_grid(y: Plane) -> Grid:
    r"""The grid on which the largest share of high frequencies is empty, and how much of the rest of any other, 0 to 1.

    JPEG rounds most of the coefficients :math:`u + v \ge 7` of its blocks to zero, and they stay below one level on
    that grid alone. Of photographs that were shrunk, quality 95 empties 0.3, 90 empties 0.6 and 80 empties 0.8; without
    JPEG it is below 0.15, and 0.2 where nearly all is flat. Fine texture and noise leave less of it.
    """
    empty = {
        (row, column): float((np.abs(_DCT @ blocks @ _DCT.T)[..., _HIGH] < 1).mean())
        for row in range(BLOCK)
        for column in range(BLOCK)
        if (blocks := blocks_of(y[row:, column:], BLOCK)).size
    }
    first, second, *_ = sorted(empty, key=lambda place: -empty[place]) + 2 * [(0, 0)]
    anyway = empty.get(second, 1.0)
    return Grid(*first, (empty[first] - anyway) / (1 - anyway) if anyway < 1 else 0.0)


def jpeg_quality(y: Plane, clipped: np.ndarray, grid: Grid) -> int | None:
    r"""The quality of libjpeg (20 to 98) that explains the coefficients; None where none explains them.

    A coefficient :math:`c` of a JPEG file is a multiple of its step :math:`q`, but for the rounding of pixels. Where
    :math:`k = [c / q]` is not zero, this makes it more likely than a smooth density does by

    .. math::
        \epsilon + (1 - \epsilon) \frac{q}{\sqrt{2 \pi} \sigma} \exp\left(-\frac{(c - k q)^2}{2 \sigma^2}\right),

    and the quality is that of the largest product. Blocks that touch black or white are left out: what is clipped is no
    multiple any more. One block often suffices. A picture that was turned by a quarter has the steps of rows in
    columns: both are tried.

    Reference: after Fan and de Queiroz, 2003, Identification of bitmap compression history.

    Args:
        y: Luma in levels of 255.
        clipped: Where a color is black or white.
        grid: That of the blocks; the one that begins at the first pixel is tried too.
    """
    best, found = _EVIDENCE, None
    tables = [(quality, table) for quality in _QUALITIES for table in (_steps(quality), _steps(quality).T)]
    for row, column in {(grid.row, grid.column), (0, 0)}:
        whole = ~blocks_of(clipped[row:, column:], BLOCK).any(axis=(-2, -1))
        c = np.abs(_DCT @ (blocks_of(y[row:, column:], BLOCK)[whole] - 128) @ _DCT.T)
        c[..., 0, 0] = 0  # means: those of flat blocks are one level, and a multiple of many steps
        for quality, q in tables:
            far = c > q / 2
            if (evidence := _evidence(c[far], np.broadcast_to(q, c.shape)[far])) > best:
                best, found = evidence, quality
    return found


def _evidence(c: np.ndarray, q: np.ndarray) -> float:
    """Logarithm of the product, over coefficients above half of their steps."""
    near = np.exp(-(((c - np.rint(c / q) * q) / _ROUNDING) ** 2) / 2) * q / (_ROUNDING * np.sqrt(2 * np.pi))
    return float(np.log(_ASTRAY + (1 - _ASTRAY) * near).sum())


def _steps(quality: int) -> np.ndarray:
    """The steps of libjpeg."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return ((_STEPS * percent + 50) // 100).clip(1, 255)
