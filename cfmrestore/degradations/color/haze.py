"""Haze: fog between the camera and the scene."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.degradations.base import ImageByImage, Range, check_range, check_share
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.transfer import sent_to
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import OneImage, PerImage, Seeds, Size

_CELLS = 4  # random depths on a side


@dataclass(frozen=True)
class HazeParams:
    beta: PerImage
    airlight: PerImage
    seed: Seeds  # of the depth


@DEGRADATIONS.register_module()
class Haze(ImageByImage[HazeParams]):
    r"""Atmospheric scattering, :math:`y = x t + a (1 - t)` with :math:`t = e^{-\beta d}`.

    The depth :math:`d \in [0, 1]` is made up: a plane that rises in a random direction, mixed with smooth noise.

    References: Narasimhan and Nayar, 2002, Vision and the atmosphere, IJCV 48; ranges of Li et al., 2019, RESIDE
    (arXiv:1712.04143).

    Args:
        beta: Range of the scattering coefficient, drawn uniformly.
        airlight: Range of a, the brightness of the fog, drawn uniformly.
        roughness: The share of the noise in the depth; 0 is a plane.
    """

    affine = True

    def __init__(self, *, beta: Range = (0.6, 1.8), airlight: Range = (0.7, 1.0), roughness: float = 0.4) -> None:
        self.beta, self.airlight = check_range("beta", beta, 0), check_range("airlight", airlight, 0, 1)
        self.roughness = check_share("roughness", roughness)

    def depth(self, size: Size, seed: int) -> Float[Tensor, "h w"]:
        """How far away the scene is, in [0, 1]."""
        rng = ImageRng([seed])
        angle = 2 * math.pi * float(rng.uniform())
        dy, dx = math.sin(angle), math.cos(angle)
        y, x = ((torch.arange(n, device="cpu") + 0.5) * (2 / n) - 1 for n in size)
        plane = 0.5 + 0.5 * (dy * y[:, None] + dx * x) / (abs(dy) + abs(dx))
        coarse = rng.uniform(1, _CELLS, _CELLS)
        noise = F.interpolate(coarse, size, mode="bicubic", align_corners=True)[0, 0].clamp(0, 1)
        return (1 - self.roughness) * plane + self.roughness * noise

    def degrade(self, x: OneImage, beta: float, a: float, seed: int) -> OneImage:
        d = self.depth((x.shape[-2], x.shape[-1]), seed)
        t = sent_to(torch.exp(-beta * d), x)
        return x * t + a * (1 - t)
