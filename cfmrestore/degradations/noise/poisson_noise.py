"""Poisson (shot) noise: brighter pixels vary more."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from cfmrestore.degradations.base import ImageByImage, Range, check_range, check_share
from cfmrestore.ops.color import gray_levels
from cfmrestore.ops.poisson import poisson
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import BoolPerImage, Frame, OneImage, PerImage, Seeds


@dataclass(frozen=True)
class PoissonParams:
    scale: PerImage  # of the noise: 1 is Poisson's law
    peak: PerImage  # photons of white; 0 for the number of different values
    gray: BoolPerImage  # the same noise in all channels
    seed: Seeds


@DEGRADATIONS.register_module()
class PoissonNoise(ImageByImage[PoissonParams]):
    r"""Add :math:`s (k / n - x)` with :math:`k \sim \operatorname{Poisson}(n x)`; the result may leave [0, 1].

    x is the image rounded to 8 bits; n is the number of its different values, rounded up to a power of two
    (the law of scikit-image and of Real-ESRGAN), or drawn.

    Args:
        scale: Range of s, drawn uniformly.
        gray_probability: How often all channels get one noise, drawn from the gray image.
        peak: Range of n, whose logarithm is then uniform (BSRGAN).
    """

    def __init__(self, *, scale: Range = (0.05, 3.0), gray_probability: float = 0.0, peak: Range | None = None) -> None:
        self.low, self.high = check_range("scale", scale, 0)
        self.gray_probability = check_share("gray_probability", gray_probability)
        self.peak = None if peak is None else check_range("peak", peak, 1)

    def sample(self, frame: Frame, rng: ImageRng) -> PoissonParams:
        scale = rng.uniform(low=self.low, high=self.high)
        gray, seed = rng.uniform() < self.gray_probability, rng.new_seeds()
        if self.peak is None:
            return PoissonParams(scale, torch.zeros_like(scale), gray, seed)
        low, high = (math.log(n) for n in self.peak)
        return PoissonParams(scale, rng.uniform(low=low, high=high).exp(), gray, seed)

    def degrade(self, x: OneImage, scale: float, peak: float, gray: bool, seed: int) -> OneImage:
        level = x.mul(255).round_().clamp_(0, 255)
        if gray:
            level = gray_levels(level)
        count, n = _drawn(level, peak, seed) if peak else _inverted(level.int(), seed)
        return x + count.div_(n).sub_(level / 255).mul_(scale).to(x)


def _inverted(level: Int[Tensor, "c h w"], seed: int) -> tuple[Float[Tensor, "c h w"], float]:
    """The counts by the inverse of their distribution, of which there are few, and n."""
    values = int((torch.bincount(level.flatten(), minlength=256) > 0).sum())
    n = 2 ** math.ceil(math.log2(values))
    (u,) = ImageRng([seed]).uniform(*level.shape)
    return poisson(level, u.to(level.device, non_blocking=True), peak=n), n


def _drawn(level: Float[Tensor, "c h w"], peak: float, seed: int) -> tuple[Float[Tensor, "c h w"], float]:
    """The counts of any n by torch's sampler, on the CPU so that a GPU sees the same, and n."""
    (count,) = ImageRng([seed]).poisson(level.cpu() * (peak / 255))
    return count.to(level.device, non_blocking=True), peak
