"""Resizing as MATLAB's ``imresize`` does it, with a kernel that widens when an image shrinks, or as torch does it."""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.ops.opencv import by_planes, on_cpu
from cfmrestore.ops.pad import is_symbolic, symmetric_pad
from cfmrestore.typing import Planes, Size

_BLOCK = 64  # output samples a matrix product: most of the weights of more would be zero


def cubic(x: Tensor) -> Tensor:
    """Keys' cubic convolution kernel with a = -1/2, of support [-2, 2] (Keys, 1981, equation 15)."""
    x = x.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return near * (x <= 1) + far * ((x > 1) & (x <= 2))


def linear(x: Tensor) -> Tensor:
    """The triangle of support [-1, 1]."""
    return (1 - x.abs()).clamp_min(0)


def lanczos(x: Tensor) -> Tensor:
    """The sinc under a wider sinc, of support [-3, 3] (Duchon, 1979)."""
    return torch.sinc(x) * torch.sinc(x / 3) * (x.abs() < 3)


_KERNELS = {"bicubic": (cubic, 4.0), "bilinear": (linear, 2.0), "lanczos": (lanczos, 6.0)}
KERNELS = (*_KERNELS, "area")


def _weights(length: int, out: int, scale: float, kernel: str) -> tuple[Tensor, Tensor]:
    r"""The input samples that each output sample of one axis takes, and their weights in float64: both (out, taps).

    Output sample i lies at :math:`u = (i + 1/2) / s - 1/2` of the input. Its weights are :math:`s\,k(s (u - j))`
    where s < 1, and :math:`k(u - j)` otherwise, normalized to sum to one; samples past the edge are mirrored.
    """
    function, width = _KERNELS[kernel]
    stretch = min(scale, 1.0)
    u = (torch.arange(out, dtype=torch.float64, device="cpu") + 0.5) / scale - 0.5
    taps = math.ceil(width / stretch) + 2
    j = (u - width / stretch / 2).floor()[:, None] + torch.arange(taps, dtype=torch.float64, device="cpu")
    weight = function((u[:, None] - j) * stretch)
    mirrored = j.long().remainder(2 * length)
    return torch.minimum(mirrored, 2 * length - 1 - mirrored), weight / weight.sum(dim=1, keepdim=True)


@lru_cache(maxsize=64)
def _blocks(
    length: int, out: int, scale: float, kernel: str, dtype: torch.dtype, device: torch.device
) -> list[tuple[slice, Tensor]]:
    """The matrix of one axis in blocks of rows, each cut to the input samples that it uses."""
    blocks = []
    for sample, weight in zip(*(part.split(_BLOCK) for part in _weights(length, out, scale, kernel)), strict=True):
        used = sample[weight != 0]
        first, last = int(used.min()), int(used.max())
        block = torch.zeros(len(sample), last - first + 1, dtype=torch.float64, device="cpu")
        block.scatter_add_(1, (sample - first).clamp(0, last - first), weight)
        blocks.append((slice(first, last + 1), block.to(device, dtype, non_blocking=True)))
    return blocks


def _resize_rows(x: Tensor, out: int, scale: float, kernel: str) -> Tensor:
    if out == x.shape[-2] and scale == 1:
        return x
    blocks = _blocks(x.shape[-2], out, scale, kernel, x.dtype, x.device)
    return torch.cat([weight @ x[..., part, :] for part, weight in blocks], dim=-2)


def _spread_rows(x: Tensor, length: int, scale: float, kernel: str) -> Tensor:
    """The transpose of ``_resize_rows`` for an axis that had so many samples."""
    out = x.new_zeros(*x.shape[:-2], length, x.shape[-1])
    first = 0
    for part, weight in _blocks(length, x.shape[-2], scale, kernel, x.dtype, x.device):
        out[..., part, :] += weight.T @ x[..., first : first + len(weight), :]
        first += len(weight)
    return out


def resize_adjoint(image: Planes, size: Size, *, scale: float, kernel: str = "bicubic") -> Planes:
    """The transpose of ``resize(_, scale=scale, kernel=kernel)`` for images that had ``size``."""
    spread = _spread_rows(image, size[0], scale, kernel)
    return _spread_rows(spread.transpose(-2, -1).contiguous(), size[1], scale, kernel).transpose(-2, -1)


def gram(length: int, out: int, scale: float, kernel: str = "bicubic") -> Tensor:
    """R R^T of the matrix R that resizes one axis, in float64."""
    identity = torch.eye(out, dtype=torch.float64, device="cpu")
    return _resize_rows(_spread_rows(identity, length, scale, kernel), out, scale, kernel)


def check_kernel(kernel: str, antialias: bool) -> None:
    """An error for what ``resize`` does not know."""
    if kernel not in KERNELS:
        raise ValueError(f"unknown kernel {kernel!r}; known are {sorted(KERNELS)}")
    if kernel == "lanczos" and not antialias:
        raise ValueError("lanczos is for resizing with antialias=True")


def scaled_size(size: Size, scale: float) -> Size:
    """Height and width after resizing by a factor: rounded up, as in MATLAB."""
    return math.ceil(size[0] * scale), math.ceil(size[1] * scale)


def infer_scale(size: Size, low: Size) -> int | None:
    """The whole factor by which ``size`` shrinks to ``low`` (see ``scaled_size``); None where none fits both axes.

    Where several fit, as they may for a few pixels, it is the one nearest to the ratio of the sides.
    """
    scale = max(-(-n // m) for n, m in zip(size, low, strict=True))
    return scale if scaled_size(size, 1 / scale) == low else None


def resize(
    image: Planes,
    *,
    scale: float | None = None,
    size: Size | None = None,
    kernel: str = "bicubic",
    antialias: bool = True,
) -> Planes:
    """Resize to ``size``, or by ``scale`` to a size rounded up; give one of the two.

    Equal to MATLAB's ``imresize(image, scale, kernel)`` before it rounds to 8 bits.

    Args:
        image: Any float tensor whose last two axes are height and width.
        scale: Factor; above 1 the image grows.
        size: Height and width of the result; the factor of each axis is its ratio.
        kernel: "bicubic", "bilinear", "lanczos", or "area" (the mean of the pixels that fall together).
        antialias: Widen the kernel when shrinking. Without it, bicubic and bilinear are torch's ``interpolate``
            (bicubic with a = -3/4, clamped at the borders; OpenCV's too), and a shrunken image aliases.
    """
    check_kernel(kernel, antialias)
    if is_symbolic(image):
        return enlarged_in_graph(image, scale, kernel)
    if (scale is None) == (size is None) or (scale is not None and not scale > 0):
        raise ValueError(f"give a positive scale or a size, one of the two; got {scale=}, {size=}")
    height, width = image.shape[-2:]
    if scale is not None:
        size = scaled_size((height, width), scale)
    assert size is not None
    if min(*size, height, width) < 1:
        raise ValueError(f"cannot resize {height}x{width} to {size[0]}x{size[1]}: every side needs a pixel")
    if kernel == "area":
        return _area(image, size)
    if not antialias:
        return _interpolate(image, size, kernel)
    image = _resize_rows(image, size[0], scale or size[0] / height, kernel)
    image = _resize_rows(image.transpose(-2, -1), size[1], scale or size[1] / width, kernel)
    return image.transpose(-2, -1).contiguous()


def enlarged_in_graph(image: Planes, scale: float | None, kernel: str) -> Planes:
    """By a whole factor, of images whose size is left open in a graph: a convolution makes every phase."""
    if kernel not in _KERNELS or scale is None or scale != int(scale) or scale < 1:
        raise ValueError(f"a graph of any size enlarges by whole factors alone; got {scale=}, {kernel=}")
    s, (function, width) = int(scale), _KERNELS[kernel]
    margin = math.ceil(width / 2)
    u = (torch.arange(s, dtype=torch.float64) + 0.5) / s - 0.5
    phase = function(u[:, None] - torch.arange(-margin, margin + 1))
    phase = phase / phase.sum(dim=1, keepdim=True)
    weight = torch.einsum("pi,qj->pqij", phase, phase).reshape(s**2, 1, *2 * [2 * margin + 1]).to(image.dtype)
    channels = image.shape[1]
    phases = F.conv2d(symmetric_pad(image, margin), weight.repeat(channels, 1, 1, 1), groups=channels)
    return F.pixel_shuffle(phases, s)


def _area(image: Planes, size: Size) -> Planes:
    """The mean over the pixels that a pixel of the result touches; on a CPU by the sums of all above and left."""
    if not on_cpu(image):
        return F.interpolate(image, size=size, mode="area")
    (top, bottom), (left, right) = (_edges(n, out) for n, out in zip(image.shape[-2:], size, strict=True))
    area = (bottom - top)[:, None] * (right - left)

    def mean(plane: np.ndarray, out: np.ndarray) -> None:
        import cv2

        above = cv2.integral(plane, sdepth=cv2.CV_64F)
        rows = above.take(bottom, 0) - above.take(top, 0)
        np.divide(rows.take(right, 1) - rows.take(left, 1), area, out=out, casting="same_kind")

    return by_planes(mean, image, size)


def _edges(length: int, out: int) -> tuple[np.ndarray, np.ndarray]:
    """The first sample that each of ``out`` cells touches, and the one after the last."""
    cell = np.arange(out)
    return cell * length // out, -(-(cell + 1) * length // out)


def _interpolate(image: Planes, size: Size, kernel: str) -> Planes:
    if not on_cpu(image):
        return F.interpolate(image, size=size, mode=kernel, align_corners=False)
    import cv2

    flag = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}[kernel]
    return by_planes(lambda x, out: cv2.resize(x, size[::-1], out, interpolation=flag), image, size)
