"""Color banding: too few levels, so that smooth gradients fall into bands."""

from dataclasses import dataclass

from jaxtyping import Bool, Int
from torch import Tensor

from cfmrestore.degradations.base import Degradation, check_whole
from cfmrestore.ops.broadcast import expand_as
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image


@dataclass(frozen=True)
class BandingParams:
    bits: Int[Tensor, " b"]
    dither: Bool[Tensor, " b"]
    seed: Int[Tensor, " b"]  # of the dither


@DEGRADATIONS.register_module()
class Banding(Degradation[BandingParams]):
    r"""Clamp to [0, 1] and round to :math:`2^k` equidistant levels; ``Quantize`` has one number for all images.

    Args:
        bits: Range of k, drawn uniformly.
        dither_probability: How often uniform noise, a level wide, is added before rounding: the mean is kept, and grain
            takes the place of bands.
    """

    params_type = BandingParams
    clips = True

    def __init__(self, *, bits: tuple[int, int] = (2, 6), dither_probability: float = 0.0) -> None:
        check_whole("bits", bits, 1, 16)
        if not 0 <= dither_probability <= 1:
            raise ValueError(f"need a probability; got {dither_probability=}")
        self.low, self.high = bits
        self.dither_probability = dither_probability

    def sample(self, frame: Frame, rng: ImageRng) -> BandingParams:
        del frame
        bits = rng.integers(self.low, self.high)
        return BandingParams(bits, rng.uniform() < self.dither_probability, rng.new_seeds())

    def apply(self, image: Image, params: BandingParams) -> Image:
        top = expand_as((1 << params.bits) - 1, image).to(image)
        level = image.clamp(0, 1) * top
        if params.dither.any():
            noise = ImageRng(params.seed).uniform(*image.shape[1:]) - 0.5
            level = level + (noise * expand_as(params.dither, noise)).to(image)
        return (level.round() / top).clamp(0, 1)
