"""Peak signal-to-noise ratio."""

from jaxtyping import Float
from torch import Tensor

from cfmrestore.typing import PerImage


def psnr(a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"], *, peak: float = 255.0) -> PerImage:
    r""":math:`10 \log_{10}(\mathrm{peak}^2 / \mathrm{MSE})` of each image, in dB; infinite for equal images."""
    mse = (a.double() - b.double()).square().flatten(1).mean(dim=1)
    return 10 * (peak**2 / mse).log10()
