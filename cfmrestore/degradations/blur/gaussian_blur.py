"""Isotropic and anisotropic Gaussian blur: the first operator of the Real-ESRGAN chain."""

from cfmrestore.degradations.blur.kernel_blur import KernelBlur
from cfmrestore.ops.kernels import gaussian_kernels
from cfmrestore.registry import DEGRADATIONS


@DEGRADATIONS.register_module()
class GaussianBlur(KernelBlur):
    r"""Convolve with :math:`k(u) \propto \exp(-u^\top \Sigma^{-1} u / 2)`.

    :math:`\Sigma = R_\theta \operatorname{diag}(\sigma_1^2, \sigma_2^2) R_\theta^\top`, with
    :math:`\theta` uniform in :math:`[-\pi, \pi)`.

    Args:
        sigma: Range of both standard deviations, drawn uniformly.
        size: Side of the kernel, odd, or a range of which the odd numbers are equally likely.
        isotropic: One standard deviation for both axes.
    """

    family = staticmethod(lambda sigma, theta, beta, size: gaussian_kernels(sigma, theta, size))
