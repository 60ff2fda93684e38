"""Structural similarity."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.typing import PerImage

_SIDE, _SIGMA = 11, 1.5


def ssim(a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"], *, peak: float = 255.0) -> PerImage:
    r"""Mean over the valid positions of an 11x11 Gaussian window of standard deviation 1.5, and over channels.

    .. math::
        \frac{(2 \mu_a \mu_b + C_1)(2 \sigma_{ab} + C_2)}
            {(\mu_a^2 + \mu_b^2 + C_1)(\sigma_a^2 + \sigma_b^2 + C_2)}, \quad
        C_1 = (0.01\,\mathrm{peak})^2, \; C_2 = (0.03\,\mathrm{peak})^2

    Reference: Wang et al., 2004, equation 13.
    """
    a, b = a.double(), b.double()
    if min(a.shape[-2:]) < _SIDE:
        raise ValueError(f"SSIM needs {_SIDE}x{_SIDE} pixels; got {a.shape[-2]}x{a.shape[-1]}")
    mu_a, mu_b, aa, bb, ab = _blur(torch.stack([a, b, a * a, b * b, a * b]))
    c_1, c_2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    variances = aa - mu_a**2 + bb - mu_b**2
    covariance = ab - mu_a * mu_b
    index = (2 * mu_a * mu_b + c_1) * (2 * covariance + c_2) / ((mu_a**2 + mu_b**2 + c_1) * (variances + c_2))
    return index.flatten(1).mean(dim=1)


def _blur(x: Float[Tensor, "n b c h w"]) -> Float[Tensor, "n b c _ _"]:
    """The window is separable: two passes of eleven taps."""
    u = torch.arange(_SIDE, dtype=x.dtype, device=x.device) - _SIDE // 2
    window = torch.exp(-(u**2) / (2 * _SIGMA**2))
    window = window / window.sum()
    flat = x.flatten(0, 2)[:, None]
    flat = F.conv2d(F.conv2d(flat, window[None, None, :, None]), window[None, None, None, :])
    return flat.reshape(*x.shape[:3], *flat.shape[-2:])
