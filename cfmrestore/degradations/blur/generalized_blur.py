"""Generalized Gaussian blur, whose kernel is peaked or flat beside a Gaussian."""

from cfmrestore.degradations.base import IntRange, Range, check_range
from cfmrestore.degradations.blur.kernel_blur import KernelBlur
from cfmrestore.ops.kernels import generalized_kernels
from cfmrestore.registry import DEGRADATIONS


@DEGRADATIONS.register_module()
class GeneralizedBlur(KernelBlur):
    r"""Convolve with :math:`k(u) \propto \exp(-(u^\top \Sigma^{-1} u)^\beta / 2)`.

    :math:`\Sigma` as in ``GaussianBlur``.

    Args:
        sigma: Range of both standard deviations, drawn uniformly.
        beta: Range of the exponent: half of the draws are uniform below 1, half above.
        size: Side of the kernel, odd, or a range of which the odd numbers are equally likely.
        isotropic: One standard deviation for both axes.
    """

    stream = "GeneralisedBlur"
    family = staticmethod(generalized_kernels)

    def __init__(
        self, *, sigma: Range = (0.2, 3.0), beta: Range = (0.5, 4.0), size: int | IntRange = 21, isotropic: bool = False
    ) -> None:
        super().__init__(sigma=sigma, size=size, isotropic=isotropic)
        self.beta = check_range("beta", beta, 1e-3)
