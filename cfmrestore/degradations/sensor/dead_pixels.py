"""Dead and hot pixels: sensor elements that always give the same value."""

from dataclasses import dataclass

import torch

from cfmrestore.degradations.base import Degradation, Range, check_range, check_share
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import BoolPerImage, Image, PerImage, Seeds


@dataclass(frozen=True)
class StuckParams:
    black: PerImage  # share of the pixels
    white: PerImage
    gray: BoolPerImage  # all channels of a pixel together
    seed: Seeds


@DEGRADATIONS.register_module()
class DeadPixels(Degradation[StuckParams]):
    """Elements at random places that are stuck at 0 (dead) or at 1 (hot).

    Args:
        dead: Range of the share of dead elements, drawn uniformly.
        hot: Range of the share of hot elements, drawn uniformly.
        gray_probability: How often all channels of a pixel fail together; else each by itself, as on a Bayer sensor.
    """

    affine = True

    def __init__(self, *, dead: Range = (0.0, 0.001), hot: Range = (0.0, 0.001), gray_probability: float = 0.0) -> None:
        self.black, self.white = check_range("dead", dead, 0, 0.5), check_range("hot", hot, 0, 0.5)
        self.gray = check_share("gray_probability", gray_probability)

    def apply(self, image: Image, params: StuckParams) -> Image:
        # one uniform number decides whether, and to which
        u = ImageRng(params.seed).uniform(*image.shape[1:])
        u = torch.where(expand_as(params.gray, u), u[:, :1], u)
        black, white = u < expand_as(params.black, u), u >= expand_as(1 - params.white, u)
        black, white = (stuck.to(image.device, non_blocking=True) for stuck in (black, white))
        return image.masked_fill(black, 0).masked_fill(white, 1)
