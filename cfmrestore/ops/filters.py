"""Filtering each image of a batch with a kernel of its own."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.pad import reflect_pad
from cfmrestore.ops.parallel import stack_images
from cfmrestore.typing import Image

# Measured on a CPU: what is fastest for which kernel.
_LARGEST_SUM = 15  # side up to which sums beat the Fourier transform
_LARGEST_AXIS = 41  # side up to which sums axis by axis do, where an image has
_LARGE_IMAGE = 96 * 96  # pixels
_STRIPS = 16  # into which an image is cut for sums: convolutions of few channels use a fraction of a processor
_ROUNDING = 1e-12  # of kernels in float64
_NEGLIGIBLE = 1e-9  # of a kernel's largest value: below a float's resolution all together


def filter_each(image: Image, kernels: Float[Tensor, "b k k"]) -> Image:
    """Correlate image i, all channels alike, with kernel i; borders are reflected.

    On a CPU image by image, the kernel cut to its support: axis by axis if it is a product, small ones by sums, and
    large ones by the Fourier transform.
    """
    if image.device.type != "cpu":
        return _by_sums(image, kernels.to(image))
    return stack_images(lambda x, k: _filter_one(x[None], k)[0], image, kernels)


def _filter_one(image: Image, kernel: Float[Tensor, "k k"]) -> Image:
    weights = _support(kernel.numpy())
    kernel = torch.from_numpy(weights).to(image)
    margin = kernel.shape[-1] // 2
    padded = reflect_pad(image, margin, margin, margin, margin)
    if 7 < kernel.shape[-1] <= _LARGEST_AXIS and image.shape[-1] * image.shape[-2] >= _LARGE_IMAGE:
        column, row = weights.sum(1, keepdims=True), weights.sum(0, keepdims=True) / weights.sum()
        if (abs(column * row - weights) < _ROUNDING).all():
            column, row = torch.from_numpy(column).to(image), torch.from_numpy(row).to(image)
            return _by_strips(_by_strips(padded, column), row)
    return _by_strips(padded, kernel) if kernel.shape[-1] <= _LARGEST_SUM else _by_fourier(padded, kernel)


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


def _by_strips(padded: Tensor, kernel: Float[Tensor, "k l"]) -> Tensor:
    """The sums inside one image: strips of rows, overlapping by the kernel, are channels of a convolution."""
    c, h, w = padded.shape[1:]
    k = kernel.shape[0]
    rows = -(-(h - k + 1) // _STRIPS)
    filled = F.pad(padded[0], (0, 0, 0, rows * _STRIPS + k - 1 - h))
    strips = filled.unfold(1, rows + k - 1, rows).transpose(2, 3).reshape(1, c * _STRIPS, -1, w)
    done = F.conv2d(strips, kernel.expand(c * _STRIPS, 1, -1, -1), groups=c * _STRIPS)
    return done.reshape(1, c, _STRIPS * rows, -1)[:, :, : h - k + 1].contiguous()


def _by_fourier(padded: Tensor, kernel: Float[Tensor, "k k"]) -> Tensor:
    """The product of the transforms is a cyclic convolution; what wraps around lies in the margins."""
    h, w = padded.shape[-2:]
    first = kernel.shape[-1] - 1
    sides = (_smooth(h), _smooth(w))
    spectrum = torch.fft.rfft2(padded, s=sides).mul_(torch.fft.rfft2(kernel.flip(0, 1), s=sides))
    return torch.fft.irfft2(spectrum, s=sides)[..., first:h, first:w].contiguous()


def _smooth(n: int) -> int:
    """The next number without prime factors above 5: lengths whose transform is fast."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1
