"""Peak signal-to-noise ratio."""

from jaxtyping import Float
from torch import Tensor

from cfmrestore.typing import PerImage


def psnr(
    a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"], *, peak: float = 255.0, epsilon: float = 0.0
) -> PerImage:
    r""":math:`-10 \log_{10}(\mathrm{MSE} / \mathrm{peak}^2 + \epsilon)` of each image, in dB.

    Without epsilon it is infinite for equal images.
    """
    mse = (a.double() - b.double()).square().flatten(1).mean(dim=1)
    return -10 * (mse / peak**2 + epsilon).log10()
