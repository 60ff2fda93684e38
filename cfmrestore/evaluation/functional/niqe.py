"""NIQE, the natural image quality evaluator: a distance of image statistics from those of pristine photographs."""

import math
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.evaluation.functional.prepare import check_levels
from cfmrestore.ops.parallel import map_images
from cfmrestore.ops.resize import cubic
from cfmrestore.typing import PerImage

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_SIDE = 96
_DOUBT = 2e-6  # of a ratio of moments, in float32
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))


def niqe(levels: Float[Tensor, "b 1 h w"]) -> PerImage:
    r"""Distance between two Gaussians of 36 features: that of the 96x96 blocks of an image, and that of photographs.

    .. math::
        D = \sqrt{(\nu_1 - \nu_2)^T \left(\tfrac{1}{2}(\Sigma_1 + \Sigma_2)\right)^{-1} (\nu_1 - \nu_2)}

    The features come from the image normalized by the mean and standard deviation around each pixel, at two scales:
    of every block an asymmetric generalized Gaussian is fitted by its moments to the pixels, and to the products of
    neighbors in four directions. Blocks do not overlap, and what is left over at the right and at the bottom does
    not count. Lower is better. Like the implementation in basicsr, whose values these are, it works in float32 where
    that shows: in flat regions the rounding of the local variance is all there is to measure.

    basicsr turns colors into luma in float32. Where a luma lies half way between two levels it may round to the other
    one; of the same rounded luma the values are equal.

    Reference: Mittal, Soundararajan and Bovik, 2013, "Making a completely blind image quality analyzer".

    Args:
        levels: Rounded luma, its border cut: ``prepare(image, channel="y", border=border)``. It needs two blocks that
            are not flat, for the covariance.
    """
    check_levels(levels)
    height, width = levels.shape[-2:]
    if min(height, width) < _SIDE:
        raise ValueError(f"NIQE needs a block of {_SIDE}x{_SIDE} pixels; got {height}x{width}")
    planes = levels.detach().cpu().numpy()[:, 0, : height // _SIDE * _SIDE, : width // _SIDE * _SIDE]
    values = map_images(lambda plane: _distance(_features(np.ascontiguousarray(plane, np.float32))), planes.round())
    return torch.tensor(values, dtype=torch.float64, device=levels.device)


def _distance(features: Array) -> float:
    """From the features of all blocks, (blocks, 36); those of a flat block are NaN and do not count."""
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        raise ValueError(
            f"NIQE needs two blocks of {_SIDE}x{_SIDE} pixels that are not flat; got {len(whole)} of {len(features)}"
        )
    mean, covariance, _ = _pristine()
    nu = mean - np.nanmean(features, axis=0)
    inverse = np.linalg.pinv((covariance + np.cov(whole, rowvar=False)) / 2)
    return math.sqrt(nu @ inverse @ nu)


def _features(plane: Array) -> Array:
    """36 numbers of each block: 18 at the size of the image, 18 at half of it."""
    small = torch.from_numpy(plane / np.float32(255))
    for axis in (0, 1):
        small = _halve(small, axis)
    half = small.numpy() * np.float32(255)
    return np.concatenate([_moments(plane, _SIDE), _moments(half, _SIDE // 2)], axis=1)


def _halve(x: Float[Tensor, "h w"], axis: int) -> Float[Tensor, "_ _"]:
    """Half as many samples by an antialiased cubic, the edge mirrored.

    One product of a matrix and a vector for each sample, since basicsr sums in its order, and flat regions show it.
    """
    weight = cubic(torch.arange(-1.75, 2, 0.5)) / 2
    length, edge = x.shape[axis], len(weight) // 2 - 1
    mirror = torch.arange(-edge, length + edge)
    mirror = torch.minimum(mirror.remainder(2 * length), (-1 - mirror).remainder(2 * length))
    x = x.index_select(axis, mirror)
    rows = [x.narrow(axis, i, len(weight)).movedim(axis, -1).mv(weight) for i in range(0, length, 2)]
    return torch.stack(rows, dim=axis)


def _moments(plane: Array, side: int) -> Array:
    blocks = _normalize(plane).reshape(plane.shape[0] // side, side, -1, side).swapaxes(1, 2).reshape(-1, side, side)
    alpha, _, left, right = _fit(blocks)
    columns = [alpha, (left + right) / 2]
    for shift in _SHIFTS:
        columns += _fit(blocks * np.roll(blocks, shift, axis=(1, 2)))
    return np.stack(columns, axis=1)


def _normalize(plane: Array) -> Array:
    r""":math:`(I - \mu) / (\sigma + 1)` under a Gaussian window; the window's sums are rounded to float32."""
    mu = _smooth(plane)
    sigma = np.sqrt(np.abs(_smooth(plane * plane) - mu * mu))
    return (plane - mu) / (sigma + 1)


def _smooth(plane: Array) -> Array:
    import cv2

    *_, row = _pristine()
    return cv2.sepFilter2D(plane, cv2.CV_64F, row, row, borderType=cv2.BORDER_REPLICATE).astype(np.float32)


def _fit(blocks: Array) -> tuple[Array, Array, Array, Array]:
    r"""Shape :math:`\alpha`, mean, and the left and the right scale of an asymmetric generalized Gaussian, by moments.

    With the second moments :math:`\sigma_l^2, \sigma_r^2` of the negative and of the positive samples, and
    :math:`\gamma = \sigma_l / \sigma_r`, the shape solves

    .. math::
        \frac{\Gamma(2/\alpha)^2}{\Gamma(1/\alpha)\,\Gamma(3/\alpha)}
            = \frac{E[|x|]^2}{E[x^2]} \frac{(\gamma^3 + 1)(\gamma + 1)}{(\gamma^2 + 1)^2}

    Reference: Lasmar, Stitou and Berthoumieu, 2009.
    """
    x = blocks.reshape(len(blocks), -1)
    squares, signs = np.square(x), np.sign(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole, signed = squares.sum(axis=1, dtype=np.float64), (squares * signs).sum(axis=1, dtype=np.float64)
        left = np.sqrt((whole - signed) / 2 / (x < 0).sum(axis=1))
        right = np.sqrt((whole + signed) / 2 / (x > 0).sum(axis=1))
        rho = _ratio(left, right, np.abs(x).mean(axis=1, dtype=np.float64), whole / x.shape[1])
    at = _nearest(rho)
    for i in np.flatnonzero(_nearest(rho * (1 - _DOUBT)) != _nearest(rho * (1 + _DOUBT))):
        at[i] = _nearest(_single(x[i]))
    alpha, _, deviation, mean = (table[at] for table in _shapes())
    left, right = left * deviation, right * deviation
    return alpha, (right - left) * mean, left, right


def _single(x: Array) -> Array:
    """The ratio of one block in float32 throughout: rounding decides between two neighbors of the table."""
    left, right = (np.sqrt(np.mean(np.square(part))) for part in (x[x < 0], x[x > 0]))
    return np.asarray(_ratio(left, right, np.mean(np.abs(x)), np.mean(np.square(x))))


def _ratio(left: Any, right: Any, absolute: Any, square: Any) -> Any:
    """The right side of the equation for the shape."""
    gamma = left / right
    return absolute**2 / square * (gamma**3 + 1) * (gamma + 1) / (gamma**2 + 1) ** 2


def _nearest(rho: Array) -> Array:
    """The index whose ratio lies nearest: of two the first, and 0 for NaN and infinity."""
    _, table, _, _ = _shapes()
    above = np.searchsorted(table, rho).clip(1, len(table) - 1)
    at = above - ((table[above - 1] - rho) ** 2 <= (table[above] - rho) ** 2)
    return np.where(np.isfinite(rho), at, 0)


@lru_cache(maxsize=1)
def _shapes() -> tuple[Array, Array, Array, Array]:
    r""":math:`\alpha = 0.2, 0.201, \ldots, 10`, with the ratio, the deviation and the mean of each."""
    alpha = np.arange(0.2, 10.001, 0.001)
    gamma_1, gamma_2, gamma_3 = (np.array([math.gamma(n / a) for a in alpha]) for n in (1, 2, 3))
    return alpha, gamma_2**2 / (gamma_1 * gamma_3), np.sqrt(gamma_1 / gamma_3), gamma_2 / gamma_1


@lru_cache(maxsize=1)
def _pristine() -> tuple[Array, Array, Array]:
    """Mean and covariance of the features of pristine photographs, and one row of the separable window.

    The numbers that Mittal et al. published with their program, as basicsr keeps them (niqe_pris_params.npz).
    """
    with np.load(Path(__file__).with_name("niqe_pristine.npz"), allow_pickle=False) as file:
        return file["mean"], file["covariance"], file["window"]
