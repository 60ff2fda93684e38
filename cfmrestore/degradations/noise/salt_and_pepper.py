"""Salt-and-pepper noise: pixels that are lost, black or white."""

from dataclasses import dataclass

import torch

from cfmrestore.degradations.base import Degradation, Range, check_range, check_share
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import BoolPerImage, Frame, Image, PerImage, Seeds


@dataclass(frozen=True)
class StuckParams:
    black: PerImage  # share of the pixels
    white: PerImage
    gray: BoolPerImage  # all channels of a pixel together
    seed: Seeds


@DEGRADATIONS.register_module()
class SaltAndPepper(Degradation[StuckParams]):
    """Replace pixels, each independently of the others, by white (salt) or black (pepper).

    Args:
        share: Range of the share of the pixels that are replaced, drawn uniformly.
        salt: Range of the share of white among them, drawn uniformly.
        gray_probability: How often whole pixels are replaced; else each channel by itself.
    """

    def __init__(self, *, share: Range = (0.005, 0.1), salt: Range = (0.5, 0.5), gray_probability: float = 0.5) -> None:
        self.share, self.salt = check_range("share", share, 0, 1), check_range("salt", salt, 0, 1)
        self.gray_probability = check_share("gray_probability", gray_probability)

    def sample(self, frame: Frame, rng: ImageRng) -> StuckParams:
        share = rng.uniform(low=self.share[0], high=self.share[1])
        white = share * rng.uniform(low=self.salt[0], high=self.salt[1])
        return StuckParams(share - white, white, rng.uniform() < self.gray_probability, rng.new_seeds())

    def apply(self, image: Image, params: StuckParams) -> Image:
        # one uniform number decides whether, and to which
        u = ImageRng(params.seed).uniform(*image.shape[1:])
        u = torch.where(expand_as(params.gray, u), u[:, :1], u)
        black, white = u < expand_as(params.black, u), u >= expand_as(1 - params.white, u)
        return image.masked_fill(black.to(image.device), 0).masked_fill(white.to(image.device), 1)
