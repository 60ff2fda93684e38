"""Color correction of a restored image by its input."""

import numpy as np
import torch

from cfmrestore.ops.opencv import by_planes
from cfmrestore.ops.resize import resize
from cfmrestore.typing import Image, Planes

MODES = ("none", "mean", "wavelet", "adain")
_LEVELS = 5


def match_colors(image: Image, low: Image, mode: str) -> Image:
    r"""The image with the colors of the input, which is enlarged bicubically to :math:`u`.

    "mean" gives each channel the mean of the input's. "wavelet" takes what is coarse from the input,
    :math:`x + B (u - x)`, where B blurs with a binomial kernel at five dilations, to about 30 pixels: the a-trous
    decomposition of StableSR (Wang et al., 2024, section 3.4, arXiv:2305.07015). "adain" gives each channel the mean
    and the standard deviation of the input's (Huang and Belongie, 2017, equation 8, arXiv:1703.06868).
    """
    if mode not in MODES:
        raise ValueError(f"unknown color correction {mode!r}; known are {', '.join(MODES)}")
    if mode == "none":
        return image
    match = {"mean": _mean, "wavelet": _wavelet, "adain": _adain}[mode]
    planes = zip(image.split(1, dim=1), low.split(1, dim=1), strict=True)  # a large image has no room for all at once
    matched = [match(x, y.contiguous()) for x, y in planes]  # whose sums do not depend on the layout of what is given
    return torch.cat(matched, dim=1).clamp_(0, 1)


def _mean(x: Planes, y: Planes) -> Planes:
    return x + (y.mean((2, 3), keepdim=True) - x.mean((2, 3), keepdim=True))


def _adain(x: Planes, y: Planes) -> Planes:
    (mean_x, std_x), (mean_y, std_y) = (
        (z.mean((2, 3), keepdim=True), z.std((2, 3), correction=0, keepdim=True)) for z in (x, y)
    )
    return (x - mean_x) * (std_y / std_x.clamp_min(1e-6)) + mean_y


def _kernel() -> np.ndarray:
    """One binomial (1, 2, 1) / 4 after the other, each with twice the distance between its samples."""
    kernel = np.ones(1)
    for level in range(_LEVELS):
        binomial = np.zeros(2 ** (level + 1) + 1)
        binomial[:: 2**level] = (0.25, 0.5, 0.25)
        kernel = np.convolve(kernel, binomial)
    return kernel


def _wavelet(x: Planes, y: Planes) -> Planes:
    import cv2

    kernel = _kernel()

    def blur(plane: np.ndarray, out: np.ndarray) -> None:
        cv2.sepFilter2D(plane, -1, kernel, kernel, out, borderType=cv2.BORDER_REPLICATE)

    difference = resize(y, size=(x.shape[-2], x.shape[-1])) - x
    return x + by_planes(blur, difference.cpu()).to(x)
