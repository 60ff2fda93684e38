"""Lateral chromatic aberration: a lens that magnifies red and blue differently."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from cfmrestore.degradations.base import ImageByImage, Range, check_range
from cfmrestore.ops.transfer import sent_to
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import OneImage, PerImage


@dataclass(frozen=True)
class AberrationParams:
    epsilon: PerImage


@DEGRADATIONS.register_module()
class ChromaticAberration(ImageByImage[AberrationParams]):
    r"""Lateral chromatic aberration: the red image is :math:`1 + \varepsilon` times as large, the blue one
    :math:`1 - \varepsilon` times, about the middle; green stays.

    .. math::
        y_r(p) = x_r(p / (1 + \varepsilon)), \qquad y_b(p) = x_b(p / (1 - \varepsilon))

    Values between pixels are bicubic (so the result may leave [0, 1] a little), those outside are of the border.

    Args:
        epsilon: Range of the magnification's error, drawn uniformly; 0.005 is a pixel, 200 pixels from the middle.
    """

    linear = True

    def __init__(self, *, epsilon: Range = (-0.008, 0.008)) -> None:
        self.epsilon = check_range("epsilon", epsilon, -0.5, 0.5)

    def degrade(self, x: OneImage, epsilon: float) -> OneImage:
        red, green, blue = x
        return torch.stack([_magnify(red, 1 + epsilon), green, _magnify(blue, 1 - epsilon)])


def _magnify(x: Float[Tensor, "h w"], scale: float) -> Float[Tensor, "h w"]:
    h, w = x.shape
    rows, columns = (((torch.arange(n, device="cpu") + 0.5) * (2 / n) - 1) / scale for n in (h, w))
    grid = sent_to(torch.stack([columns.expand(h, w), rows[:, None].expand(h, w)], dim=-1), x)
    return F.grid_sample(x[None, None], grid[None], "bicubic", "border", align_corners=False)[0, 0]
