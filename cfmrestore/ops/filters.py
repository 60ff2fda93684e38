"""Filtering of each image of a batch with its own kernel."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from cfmrestore.ops.opencv import by_planes
from cfmrestore.ops.pad import reflect_index, reflect_pad
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.transfer import sent_to
from cfmrestore.typing import Image

_BORDER = 4  # cv2.BORDER_REFLECT_101
_LARGEST_SUM = 9  # side up to which sums beat the Fourier transform on a CPU (measured)
_LARGEST_AXIS = 41  # side up to which sums axis by axis do
_ROUNDING = 1e-12  # of kernels in float64
_NEGLIGIBLE = 1e-9  # of a kernel's largest value: below a float's resolution all together


def filter_each(image: Image, kernels: Float[Tensor, "b k k"]) -> Image:
    """Correlate image i, all channels alike, with kernel i; borders are reflected.

    On a CPU image by image, the kernel cut to its support: axis by axis if it is a product, small ones by sums, and
    large ones by the Fourier transform; so is the gradient. Elsewhere it is one convolution.
    """
    if image.device.type != "cpu":
        return _by_sums(image, sent_to(kernels, image))
    filtered: Image = _Filter.apply(image, kernels)
    return filtered


class _Filter(torch.autograd.Function):
    """``filter_each`` on a CPU, and its transpose."""

    @staticmethod
    def forward(ctx: Any, image: Image, kernels: Tensor) -> Tensor:
        ctx.save_for_backward(kernels)
        return stack_images(lambda x, k: _filter_image(x, k.numpy()), image.detach(), kernels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The correlation with the turned kernel on the padded image, whose margins are then folded back."""
        (kernels,) = ctx.saved_tensors
        m = kernels.shape[-1] // 2
        h, w = gradient.shape[-2:]
        wide = filter_each(F.pad(gradient, (2 * m,) * 4), kernels.flip(-2, -1))  # with zeros within the kernel's reach
        wide = wide[..., m : m + h + 2 * m, m : m + w + 2 * m]
        return fold(fold(wide, m, h).mT, m, w).mT.contiguous(), None


def fold(x: Tensor, margin: int, length: int) -> Tensor:
    """The transpose of a reflection of rows: each goes back to the row that it was a copy of."""
    rows = reflect_index(length, margin, margin).to(x.device, non_blocking=True)
    return x.new_zeros(*x.shape[:-2], length, x.shape[-1]).index_add_(-2, rows, x)


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
