"""Blur kernels, one an image, each summing to one."""

import torch
from jaxtyping import Float
from torch import Tensor

from cfmrestore.typing import PerImage


def gaussian_kernels(sigma: Float[Tensor, "b 2"], theta: PerImage, size: int) -> Float[Tensor, "b size size"]:
    r"""Anisotropic Gaussians :math:`k(u) \propto \exp(-u^\top \Sigma^{-1} u / 2)`.

    :math:`\Sigma = R_\theta \operatorname{diag}(\sigma_1^2, \sigma_2^2) R_\theta^\top`, u in pixels from the middle,
    as (x, y).
    """
    u = torch.arange(size, dtype=sigma.dtype, device=sigma.device) - (size - 1) / 2
    y, x = torch.meshgrid(u, u, indexing="ij")
    cos, sin = theta.cos()[:, None, None], theta.sin()[:, None, None]
    along, across = cos * x + sin * y, cos * y - sin * x
    exponent = (along / sigma[:, 0, None, None]) ** 2 + (across / sigma[:, 1, None, None]) ** 2
    kernels = torch.exp(-exponent / 2)
    return kernels / kernels.sum(dim=(1, 2), keepdim=True)
