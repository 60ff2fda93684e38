"""Traces that noise and blur leave in a picture, measured without a reference."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np

Plane: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

_MOST = 384  # pixels of a side that are looked at, of the middle
BLOCK = 8
_QUIET = 0.1  # the share of blocks that noise alone fills


class Planes(NamedTuple):
    """What is looked at of a picture, in levels of 255."""

    luma: Plane  # Rec. 601
    color: Plane | None  # (R - G) / sqrt(2)
    clipped: np.ndarray  # where a color is black or white


def planes_of(pixels: np.ndarray) -> Planes:
    """The planes of the middle of a picture.

    Args:
        pixels: (h, w, c) of uint8 or uint16; gray or RGB, with or without alpha.
    """
    h, w, channels = pixels.shape
    top, left = ((max(side - _MOST, 0) // 2) // BLOCK * BLOCK for side in (h, w))
    x = pixels[top : top + _MOST, left : left + _MOST, : 1 if channels < 3 else 3].astype(np.float64)
    x = x / 257 if pixels.dtype == np.uint16 else x
    clipped = np.asarray(((x <= 0) | (x >= 255)).any(axis=-1))
    if channels < 3:
        return Planes(x[..., 0], None, clipped)
    return Planes(x @ np.array([0.299, 0.587, 0.114]), (x[..., 0] - x[..., 1]) / np.sqrt(2), clipped)


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
    energy = np.sort((blocks_of(seen, BLOCK) ** 2).mean(axis=(-2, -1)).ravel())
    return float(np.sqrt(energy[int(len(energy) * _QUIET)])) if len(energy) else 0.0


def sharpness(y: Plane) -> float:
    """Mean absolute Laplacian over that of the picture at half its size; blur makes it small, noise large.

    Of photographs that were shrunk it is 0.8 to 1; a Gaussian of 0.6 pixels leaves 0.6, one of 1.2 pixels 0.35.
    """
    half = blocks_of(y, 2).mean(axis=(-2, -1))
    coarse = detail(half)
    return detail(y) / coarse if coarse > 0 else 1.0


def detail(y: Plane) -> float:
    """Mean absolute Laplacian, in levels."""
    if min(y.shape) < 3:
        return 0.0
    around = y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:]
    return float(np.abs(4 * y[1:-1, 1:-1] - around).mean())


def blocks_of(y: np.ndarray, side: int) -> np.ndarray:
    """Whole blocks (rows, columns, side, side)."""
    h, w = (n // side for n in y.shape)
    return y[: h * side, : w * side].reshape(h, side, w, side).swapaxes(1, 2)
