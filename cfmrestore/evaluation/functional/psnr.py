"""PSNR: peak signal-to-noise ratio."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.evaluation.functional.prepare import check_levels
from cfmrestore.ops.opencv import on_cpu
from cfmrestore.ops.parallel import SINGLE, stack_images
from cfmrestore.typing import PerImage


def psnr(
    a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"], *, peak: float = 255.0, epsilon: float = 0.0
) -> PerImage:
    r""":math:`-10 \log_{10}(\mathrm{MSE} / \mathrm{peak}^2 + \epsilon)` of each image, in dB.

    Without epsilon it is infinite for equal images.
    """
    check_levels(a, b, peak=peak)
    if on_cpu(a) and on_cpu(b) and a.numel() > SINGLE:
        mse = stack_images(_mse, a, b)
    else:
        mse = torch.stack([_mse(x, y) for x, y in zip(a, b, strict=True)])
    return -10 * (mse / peak**2 + epsilon).log10()


def _mse(a: Float[Tensor, "c h w"], b: Float[Tensor, "c h w"]) -> Float[Tensor, ""]:
    return (a.double() - b.double()).square().mean()
