"""Color banding: too few levels, so that smooth gradients fall into bands."""

from dataclasses import dataclass

from cfmrestore.degradations.base import Degradation, IntRange, check_share, check_whole
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.transfer import sent_to
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import BoolPerImage, Frame, Image, IntPerImage, Seeds


@dataclass(frozen=True)
class BandingParams:
    bits: IntPerImage
    dither: BoolPerImage
    seed: Seeds  # of the dither


@DEGRADATIONS.register_module()
class Banding(Degradation[BandingParams]):
    r"""Clamp to [0, 1] and round to :math:`2^k` equidistant levels; ``Quantize`` has one number for all images.

    Args:
        bits: Range of k, drawn uniformly.
        dither_probability: How often uniform noise, a level wide, is added before rounding: the mean is kept, and grain
            takes the place of bands.
    """

    clips = True

    def __init__(self, *, bits: IntRange = (2, 6), dither_probability: float = 0.0) -> None:
        self.bits = check_whole("bits", bits, 1, 16)
        self.dither_probability = check_share("dither_probability", dither_probability)

    def sample(self, frame: Frame, rng: ImageRng) -> BandingParams:
        bits = rng.integers(*self.bits)
        return BandingParams(bits, rng.uniform() < self.dither_probability, rng.new_seeds())

    def apply(self, image: Image, params: BandingParams) -> Image:
        top = expand_as((1 << params.bits) - 1, image).to(image, non_blocking=True)
        level = image.clamp(0, 1) * top
        if params.dither.any():
            noise = ImageRng(params.seed).uniform(*image.shape[1:]) - 0.5
            level = level + sent_to(noise * expand_as(params.dither, noise), image)
        return (level.round() / top).clamp(0, 1)
