"""Filtering of each image of a batch with its own kernel."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.opencv import by_planes, on_cpu
from cfmrestore.ops.pad import reflect_pad
from cfmrestore.ops.parallel import stack_images
from cfmrestore.typing import Image

_BORDER = 4  # cv2.BORDER_REFLECT_101
_LARGEST_SUM = 9  # side up to which sums beat the Fourier transform on a CPU (measured)
_LARGEST_AXIS = 41  # side up to which sums axis by axis do
_ROUNDING = 1e-12  # of kernels in float64
_NEGLIGIBLE = 1e-9  # of a kernel's largest value: below a float's resolution all together


def filter_each(image: Image, kernels: Float[Tensor, "b k k"]) -> Image:
    """Correlate image i, all channels alike, with kernel i; borders are reflected.

    On a CPU image by image, the kernel cut to its support: axis by axis if it is a product, small ones by sums, and
    large ones by the Fourier transform. What wants a gradient, or lies elsewhere, is one convolution.
    """
    if not on_cpu(image):
        return _by_sums(image, kernels.to(image))
    return stack_images(lambda x, k: _filter_image(x, k.numpy()), image, kernels)


def _filter_image(image: Float[Tensor, "c h w"], kernel: np.ndarray) -> Float[Tensor, "c h w"]:
    import cv2

    kernel = _support(kernel)
    column, row = kernel.sum(1), kernel.sum(0) / kernel.sum()
    if 3 < len(kernel) <= _LARGEST_AXIS and (abs(np.outer(column, row) - kernel) < _ROUNDING).all():
        return by_planes(lambda x, out: cv2.sepFilter2D(x, -1, row, column, out, borderType=_BORDER), image)
    if len(kernel) <= _LARGEST_SUM:
        return by_planes(lambda x, out: cv2.filter2D(x, -1, kernel, out, borderType=_BORDER), image)
    return _by_fourier(image, kernel)


def _support(kernel: np.ndarray) -> np.ndarray:
    """The middle of the kernel, without borders that add nothing."""
    size = abs(kernel)
    used = np.maximum(size.max(0), size.max(1)) > _NEGLIGIBLE * size.max()
    edge = int((used | used[::-1]).argmax())
    return kernel[edge : len(kernel) - edge, edge : len(kernel) - edge]


def _by_sums(image: Image, kernels: Float[Tensor, "b k k"]) -> Image:
    b, c, h, w = image.shape
    margin = kernels.shape[-1] // 2
    padded = reflect_pad(image, margin, margin, margin, margin)
    weight = kernels.repeat_interleave(c, dim=0)[:, None]
    return F.conv2d(padded.reshape(1, b * c, *padded.shape[-2:]), weight, groups=b * c).reshape(b, c, h, w)


def _by_fourier(image: Float[Tensor, "c h w"], kernel: np.ndarray) -> Float[Tensor, "c h w"]:
    """The product of the transforms is a cyclic convolution; what wraps around lies in the margins."""
    import cv2

    k, (h, w) = len(kernel), image.shape[-2:]
    rows, columns = (cv2.getOptimalDFTSize(n + k - 1) for n in (h, w))
    other = np.zeros((rows, columns), np.float64 if image.dtype == torch.float64 else np.float32)
    other[:k, :k] = kernel
    other = cv2.dft(other, nonzeroRows=k)

    def filtered(plane: np.ndarray, out: np.ndarray) -> None:
        padded = cv2.copyMakeBorder(plane, k // 2, rows - h - k // 2, k // 2, columns - w - k // 2, _BORDER)
        spectrum = cv2.mulSpectrums(cv2.dft(padded), other, 0, conjB=True)
        out[:] = cv2.idft(spectrum, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)[:h, :w]

    return by_planes(filtered, image)
