"""Unsharp masking, the inverse of a blur: Real-ESRGAN degrades sharpened photographs."""

import torch

from cfmrestore.degradations.base import Fixed, NoParams
from cfmrestore.degradations.blur.kernel_blur import odd_sides
from cfmrestore.ops.filters import filter_each
from cfmrestore.ops.kernels import gaussian_kernels
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Image


@DEGRADATIONS.register_module()
class USMSharp(Fixed):
    r"""Unsharp masking where an image has edges.

    .. math:: r = x - g * x, \qquad m = g * [\,|r| > \tau\,], \qquad y = m \operatorname{clip}(x + w r) + (1 - m) x

    g is a Gaussian whose standard deviation is 0.3 (size / 2 - 3/2) + 0.8, OpenCV's rule for a kernel of that size.

    Args:
        weight: w.
        size: Side of g, odd.
        threshold: tau, where white is 255.
    """

    differentiable = True

    def __init__(self, *, weight: float = 0.5, size: int = 51, threshold: float = 10) -> None:
        (size, _), self.weight, self.threshold = odd_sides(size), weight, threshold
        sigma = torch.full((1, 2), 0.3 * ((size - 1) / 2 - 1) + 0.8, dtype=torch.float64, device="cpu")
        self.kernel = gaussian_kernels(sigma, torch.zeros(1, dtype=torch.float64, device="cpu"), size)

    def apply(self, image: Image, params: NoParams) -> Image:
        kernels = self.kernel.expand(len(image), -1, -1)
        residual = image - filter_each(image, kernels)
        soft = filter_each((255 * residual.abs() > self.threshold).to(image), kernels)
        return soft * (image + self.weight * residual).clamp(0, 1) + (1 - soft) * image
