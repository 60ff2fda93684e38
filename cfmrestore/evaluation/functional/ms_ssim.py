"""MS-SSIM: structural similarity at several scales."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.evaluation.functional.prepare import check_levels, halve
from cfmrestore.evaluation.functional.ssim import ssim_and_contrast
from cfmrestore.typing import PerImage

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_SMALLEST = 11 * 2 ** (len(_WEIGHTS) - 1)


def ms_ssim(a: Float[Tensor, "b 1 h w"], b: Float[Tensor, "b 1 h w"], *, peak: float = 255.0) -> PerImage:
    r"""Structural similarity at the last of five scales, and its factor of contrast and structure at the four before.

    .. math::
        \mathrm{SSIM}_5^{w_5} \prod_{j=1}^{4} \mathrm{CS}_j^{w_j}, \quad w = (.0448, .2856, .3001, .2363, .1333)

    Both are means over the image, as in ``ssim``. Where such a mean is negative it counts as 0, since the power of it
    would not be real. From one scale to the next 2x2 pixels are averaged; an odd last row or column is doubled.

    Reference: Wang, Simoncelli and Bovik, 2003, equation 7.
    """
    check_levels(a, b, peak=peak)
    height, width = a.shape[-2:]
    if min(height, width) < _SMALLEST:
        raise ValueError(f"MS-SSIM needs {_SMALLEST}x{_SMALLEST} pixels; got {height}x{width}")
    a, b = a.double(), b.double()
    product = torch.ones(len(a), dtype=a.dtype, device=a.device)
    for weight in _WEIGHTS[:-1]:
        product = product * ssim_and_contrast(a, b, peak=peak)[1].clamp_min(0) ** weight
        a, b = (halve(x, mode="replicate") for x in (a, b))
    return product * ssim_and_contrast(a, b, peak=peak)[0].clamp_min(0) ** _WEIGHTS[-1]
