"""Traces that compression, noise and blur leave in a picture, measured without a reference."""

from typing import Any, TypeAlias

import numpy as np

Plane: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_MOST = 384  # pixels of a side that are looked at, of the middle
_BLOCK = 8
_QUIET = 0.1  # the share of blocks that noise alone fills


def planes_of(pixels: np.ndarray) -> tuple[Plane, Plane | None]:
    r"""Rec. 601 luma and, of color, :math:`(R - G) / \sqrt{2}`, in levels of 255, of the middle of a picture.

    Args:
        pixels: (h, w, c) of uint8 or uint16; gray or RGB, with or without alpha.
    """
    h, w, channels = pixels.shape
    top, left = ((max(side - _MOST, 0) // 2) // _BLOCK * _BLOCK for side in (h, w))
    x = pixels[top : top + _MOST, left : left + _MOST].astype(np.float64)
    x = x / 257 if pixels.dtype == np.uint16 else x
    if channels < 3:
        return x[..., 0], None
    return x[..., :3] @ np.array([0.299, 0.587, 0.114]), (x[..., 0] - x[..., 1]) / np.sqrt(2)


def jpeg_grid(y: Plane) -> float:
    r"""Which share of the high frequencies of 8x8 blocks is empty on one of the 64 grids and on no other, 0 to 1.

    JPEG rounds most of the coefficients :math:`u + v \ge 7` of its blocks to zero, and they stay below one level on
    that grid alone. Of photographs that were shrunk, quality 95 empties 0.4, 90 empties 0.6 and 80 empties 0.8; without
    JPEG it is below 0.15.
    """
    n = np.arange(_BLOCK)
    dct = np.sqrt(2 / _BLOCK) * np.cos(np.pi * (2 * n[None] + 1) * n[:, None] / (2 * _BLOCK))
    dct[0] /= np.sqrt(2)
    high = n[:, None] + n[None] >= _BLOCK - 1
    empty = [
        float((np.abs(dct @ blocks @ dct.T)[..., high] < 1).mean())
        for a in n
        for b in n
        if (blocks := _blocks(y[a:, b:], _BLOCK)).size
    ]
    anyway = float(np.median(empty)) if empty else 1.0
    return (max(empty) - anyway) / (1 - anyway) if anyway < 1 else 0.0


def noise_level(y: Plane) -> float:
    r"""Standard deviation of white noise in levels, from the tenth of 8x8 blocks that are the quietest.

    The difference of two Laplacians, which is blind to planes and to edges along the axes, has of white noise of
    deviation :math:`\sigma` the deviation :math:`6 \sigma`. Fine texture counts as noise where no block is without it;
    but it is the same in all colors, as noise seldom is, so that of their difference only noise is left.

    Reference: Immerkaer, 1996, Fast noise variance estimation.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    h, w = y.shape
    seen = sum(mask[i, j] * y[i : h - 2 + i, j : w - 2 + j] for i in range(3) for j in range(3)) / 6
    energy = np.sort((_blocks(seen, _BLOCK) ** 2).mean(axis=(-2, -1)).ravel())
    return float(np.sqrt(energy[int(len(energy) * _QUIET)])) if len(energy) else 0.0


def sharpness(y: Plane) -> float:
    """Mean absolute Laplacian over that of the picture at half its size; blur makes it small, noise large.

    Of photographs that were shrunk it is 0.8 to 1; a Gaussian of 0.6 pixels leaves 0.6, one of 1.2 pixels 0.35.
    """
    half = _blocks(y, 2).mean(axis=(-2, -1))
    coarse = _laplacian(half)
    return _laplacian(y) / coarse if coarse > 0 else 1.0


def _laplacian(y: Plane) -> float:
    if min(y.shape) < 3:
        return 0.0
    around = y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:]
    return float(np.abs(4 * y[1:-1, 1:-1] - around).mean())


def _blocks(y: Plane, side: int) -> Plane:
    """Whole blocks (rows, columns, side, side)."""
    h, w = (n // side for n in y.shape)
    return y[: h * side, : w * side].reshape(h, side, w, side).swapaxes(1, 2)
