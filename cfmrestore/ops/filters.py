"""Filtering each image of a batch with a kernel of its own."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.pad import reflect_pad
from cfmrestore.ops.parallel import map_images
from cfmrestore.typing import Image

_FOURIER_COST = 60.0  # a tap's multiplications a pixel, from which the Fourier transform is faster on a CPU (measured)


def filter_each(image: Image, kernels: Float[Tensor, "b k k"]) -> Image:
    """Correlate image i, all channels alike, with kernel i; borders are reflected.

    On a CPU image by image, the kernel cut to its support; large kernels by the Fourier transform.
    """
    kernels = kernels.to(image)
    if image.device.type != "cpu":
        return _by_sums(image, kernels)
    return torch.cat(map_images(lambda x, k: _filter_one(x[None], k), image, kernels))


def _filter_one(image: Image, kernel: Float[Tensor, "k k"]) -> Image:
    kernel = _support(kernel)
    small = kernel.shape[-1] ** 2 < _FOURIER_COST or image.shape[-1] * image.shape[-2] < 96 * 96
    return _by_sums(image, kernel[None]) if small else _by_fourier(image, kernel)


def _support(kernel: Float[Tensor, "k k"]) -> Float[Tensor, "s s"]:
    """The middle of the kernel, without borders that are zero."""
    used = (kernel != 0).nonzero()
    if not len(used):
        return kernel
    middle = kernel.shape[-1] // 2
    reach = int((used - middle).abs().max())
    return kernel[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]


def _by_sums(image: Image, kernels: Float[Tensor, "b k k"]) -> Image:
    b, c, h, w = image.shape
    margin = kernels.shape[-1] // 2
    padded = reflect_pad(image, margin, margin, margin, margin)
    weight = kernels.repeat_interleave(c, dim=0)[:, None]
    return F.conv2d(padded.reshape(1, b * c, *padded.shape[-2:]), weight, groups=b * c).reshape(b, c, h, w)


def _by_fourier(image: Image, kernel: Float[Tensor, "k k"]) -> Image:
    """The product of the transforms is a cyclic convolution; what wraps around lies in the margins."""
    h, w = image.shape[-2:]
    margin = kernel.shape[-1] // 2
    padded = reflect_pad(image, margin, margin, margin, margin)
    sides = (_smooth(padded.shape[-2]), _smooth(padded.shape[-1]))
    spectrum = torch.fft.rfft2(padded, s=sides) * torch.fft.rfft2(kernel.flip(0, 1), s=sides)
    return torch.fft.irfft2(spectrum, s=sides)[
        ..., 2 * margin : 2 * margin + h, 2 * margin : 2 * margin + w
    ].contiguous()


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
