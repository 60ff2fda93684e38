"""HaarPSI: perceptual similarity by Haar wavelets."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.evaluation.functional.prepare import check_levels, halve
from cfmrestore.typing import PerImage

_ALPHA, _C = 4.2, 30.0
_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


def haarpsi(a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"], *, peak: float = 255.0) -> PerImage:
    r"""Similarity in (0, 1] of the two finer Haar scales, weighted by the third; 1 for equal images.

    .. math::
        \mathrm{HaarPSI} = l_\alpha^{-1}\left(\frac{\sum_k \sum_x l_\alpha(S_k(x))\, W_k(x)}
            {\sum_k \sum_x W_k(x)}\right)^2, \quad
        S_k = \frac{1}{2} \sum_{j=1}^{2} \frac{2 |a_{jk}| |b_{jk}| + C}{a_{jk}^2 + b_{jk}^2 + C}, \quad
        W_k = \max(|a_{3k}|, |b_{3k}|)

    where :math:`a_{jk}` are the coefficients of the luma of scale j and orientation k (horizontal and vertical),
    :math:`l_\alpha(s) = 1 / (1 + e^{-\alpha s})`, :math:`\alpha = 4.2` and :math:`C = 30 (\mathrm{peak} / 255)^2`. In
    color a third S is the mean similarity of I and Q of YIQ under a 2x2 average, and its W the mean of the other two.
    Images are first averaged over 2x2 pixels and halved; beyond the edge lie zeros, as in the authors' code. Two black
    images, which weigh nothing, are equal.

    Reference: Reisenhofer, Bosse, Kutyniok and Wiegand, 2018.

    Args:
        a, b: Levels of one channel (luma), or of RGB for the version in color.
        peak: The level of white.
    """
    check_levels(a, b, peak=peak)
    if a.shape[1] not in (1, 3):
        raise ValueError(f"HaarPSI needs one channel (luma) or three (RGB); got {a.shape[1]}")
    c = _C * (peak / 255) ** 2
    a, b = (halve(_yiq(x.double())) for x in (a, b))
    coefficients = [[_haar(x[:, :1], scale) for scale in (1, 2, 3)] for x in (a, b)]
    fine = [_similarity(x, y, c) for x, y in zip(*coefficients, strict=True)][:2]
    similarity, weight = (fine[0] + fine[1]) / 2, torch.maximum(coefficients[0][2], coefficients[1][2])
    if a.shape[1] == 3:
        chroma = _similarity(_average(a[:, 1:]).abs(), _average(b[:, 1:]).abs(), c)
        similarity = torch.cat([similarity, chroma.mean(dim=1, keepdim=True)], dim=1)
        weight = torch.cat([weight, weight.mean(dim=1, keepdim=True)], dim=1)
    weight, squashed = weight.flatten(1), torch.sigmoid(_ALPHA * similarity).flatten(1)
    total = weight.sum(dim=1)
    index = (torch.logit((squashed * weight).sum(dim=1) / total) / _ALPHA) ** 2
    return torch.where(total == 0, torch.ones_like(index), index)


def _similarity(x: Tensor, y: Tensor, c: float) -> Tensor:
    return (2 * x * y + c) / (x**2 + y**2 + c)


def _yiq(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    if x.shape[1] == 1:
        return x
    return torch.einsum("kc,bchw->bkhw", torch.tensor(_YIQ, dtype=x.dtype, device=x.device), x)


def _average(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The mean of each pixel and those right, below and right below of it."""
    return F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, stride=1)


def _haar(x: Float[Tensor, "b 1 h w"], scale: int) -> Float[Tensor, "b 2 h w"]:
    """Magnitudes of the differences between the halves of a square of 2^scale pixels, upper less lower and across."""
    side = 2**scale
    half = side // 2
    mean = torch.ones(side, dtype=x.dtype, device=x.device)
    step = torch.cat([mean[:half], -mean[half:]]) / side
    padded = F.pad(x, (half - 1, half, half - 1, half))
    filters = torch.stack([step[:, None] * mean, mean[:, None] * step])[:, None]
    return F.conv2d(padded, filters).abs()
