"""SSIM: structural similarity."""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.evaluation.functional.prepare import check_levels
from cfmrestore.ops.opencv import on_cpu
from cfmrestore.ops.parallel import map_images
from cfmrestore.typing import PerImage

_SIDE, _SIGMA = 11, 1.5
_EDGE = _SIDE // 2
_SMALL = 1 << 14  # samples whose index takes no longer than to wake another thread (measured)
_STRIPE = 64  # rows of the result at a time: what is between stays in the cache


def ssim(
    a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"], *, peak: float = 255.0, clamped: bool = False
) -> PerImage:
    r"""Mean over the valid positions of an 11x11 Gaussian window of standard deviation 1.5, and over channels.

    .. math::
        \frac{(2 \mu_a \mu_b + C_1)(2 \sigma_{ab} + C_2)}
            {(\mu_a^2 + \mu_b^2 + C_1)(\sigma_a^2 + \sigma_b^2 + C_2)}, \quad
        C_1 = (0.01\,\mathrm{peak})^2, \; C_2 = (0.03\,\mathrm{peak})^2

    With ``clamped`` its second factor, of contrast and structure, counts from zero, as pyiqa does it. On a CPU,
    where no gradients are needed, OpenCV smooths, a stripe of rows at a time.

    Reference: Wang et al., 2004, equation 13.
    """
    check_levels(a, b, peak=peak)
    return ssim_and_contrast(a, b, peak=peak, clamped=clamped)[0]


def ssim_and_contrast(
    a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"], *, peak: float = 255.0, clamped: bool = False
) -> tuple[PerImage, PerImage]:
    """The mean of the index, and that of its factor without the local means alone (contrast and structure)."""
    a, b = a.double(), b.double()
    height, width = a.shape[-2:]
    if min(height, width) < _SIDE:
        raise ValueError(f"SSIM needs {_SIDE}x{_SIDE} pixels; got {height}x{width}")
    c_1, c_2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    if not (on_cpu(a) and on_cpu(b)):
        means = _blur(torch.stack([a, b, a * a + b * b, a * b]))
        index, contrast = (x.flatten(1).mean(dim=1) for x in _maps(means, c_1, c_2, clamped))
        return index, contrast
    import cv2

    window, inside = _window(a).numpy(), (slice(_EDGE, -_EDGE), slice(_EDGE, -_EDGE))
    planes_a, planes_b = (x.detach().numpy().reshape(-1, height, width) for x in (a, b))
    jobs = [(i, top) for i in range(len(planes_a)) for top in range(0, height - 2 * _EDGE, _STRIPE)]

    def total(job: tuple[int, int]) -> list[float]:
        i, top = job
        x, y = (planes[i, top : top + _STRIPE + 2 * _EDGE] for planes in (planes_a, planes_b))
        means = (cv2.sepFilter2D(z, -1, window, window)[inside] for z in (x, y, x * x + y * y, x * y))
        return [float(z.sum()) for z in _maps(means, c_1, c_2, clamped)]

    each = map_images(total, jobs) if planes_a.size > _SMALL else [total(job) for job in jobs]
    sums = torch.tensor(each, dtype=torch.float64).reshape(len(a), -1, 2).sum(dim=1)
    index, contrast = (sums / (a.shape[1] * (height - 2 * _EDGE) * (width - 2 * _EDGE))).unbind(dim=1)
    return index, contrast


def _maps(means: Iterable[Any], c_1: float, c_2: float, clamped: bool) -> tuple[Any, Any]:
    """The index and its second factor, from the local means of a, b, a^2 + b^2 and ab."""
    mu_a, mu_b, squares, product = means
    mu_squares, mu_product = mu_a * mu_a + mu_b * mu_b, mu_a * mu_b
    contrast = (2 * (product - mu_product) + c_2) / (squares - mu_squares + c_2)
    if clamped:
        contrast = contrast.clip(0)
    return (2 * mu_product + c_1) / (mu_squares + c_1) * contrast, contrast


def _window(x: Tensor) -> Float[Tensor, " taps"]:
    u = torch.arange(_SIDE, dtype=x.dtype, device=x.device) - _EDGE
    window = torch.exp(-(u**2) / (2 * _SIGMA**2))
    return window / window.sum()


def _blur(x: Float[Tensor, "n b c h w"]) -> Float[Tensor, "n b c _ _"]:
    """The window is separable: two passes of eleven taps."""
    window = _window(x)
    flat = x.flatten(0, 2)[:, None]
    flat = F.conv2d(F.conv2d(flat, window[None, None, :, None]), window[None, None, None, :])
    return flat.reshape(*x.shape[:3], *flat.shape[-2:])
