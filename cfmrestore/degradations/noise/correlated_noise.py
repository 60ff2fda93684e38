"""Gaussian noise that is smooth: what a camera's noise reduction leaves."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from cfmrestore.degradations.base import ImageByImage, Range, check_range, check_share
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.transfer import sent_to
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import BoolPerImage, OneImage, PerImage, Seeds


@dataclass(frozen=True)
class CorrelatedNoiseParams:
    sigma: PerImage  # standard deviation, where white is 1
    radius: PerImage  # of the Gaussian that the noise went through
    gray: BoolPerImage  # the same noise in all channels
    seed: Seeds


@DEGRADATIONS.register_module()
class CorrelatedNoise(ImageByImage[CorrelatedNoiseParams]):
    r"""Add :math:`\sigma\, g_r * n / \|g_r\|` with n white and :math:`g_r` a Gaussian; the result may leave [0, 1].

    Pixels at a distance d have the correlation :math:`e^{-d^2 / 4 r^2}`. What cameras give was white before it was
    demosaiced, smoothed and shrunk: its grains are wider than a pixel, so that it looks like texture.

    Args:
        sigma: Range of the standard deviation, drawn uniformly, where white is 255.
        radius: Range of r, in pixels, drawn uniformly.
        gray_probability: How often all channels get the same noise.
    """

    def __init__(self, *, sigma: Range = (1.0, 6.0), radius: Range = (0.5, 1.5), gray_probability: float = 0.0) -> None:
        low, high = check_range("sigma", sigma, 0)
        self.sigma = (low / 255, high / 255)
        self.radius = check_range("radius", radius, 0.1, 20)
        self.gray = check_share("gray_probability", gray_probability)

    def degrade(self, x: OneImage, sigma: float, radius: float, gray: bool, seed: int) -> OneImage:
        reach = math.ceil(3 * radius)
        (noise,) = ImageRng([seed]).normal(1 if gray else 3, *(side + 2 * reach for side in x.shape[1:]))
        g = torch.arange(-reach, reach + 1, dtype=noise.dtype).div(radius).square().div(-2).exp()
        g = g / g.square().sum().sqrt()
        smooth = F.conv2d(F.conv2d(noise[:, None], g.view(1, 1, -1, 1)), g.view(1, 1, 1, -1))[:, 0]
        return x + sent_to(smooth, x).mul_(sigma)
