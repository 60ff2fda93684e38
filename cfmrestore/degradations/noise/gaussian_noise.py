"""White Gaussian noise, colored or gray."""

from dataclasses import dataclass

from cfmrestore.degradations.base import ImageByImage, Range, check_range, check_share
from cfmrestore.ops.rng import ImageRng
from cfmrestore.ops.transfer import sent_to
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import BoolPerImage, OneImage, PerImage, Seeds


@dataclass(frozen=True)
class NoiseParams:
    sigma: PerImage  # standard deviation, where white is 1
    gray: BoolPerImage  # the same noise in all channels
    seed: Seeds


@DEGRADATIONS.register_module()
class GaussianNoise(ImageByImage[NoiseParams]):
    """Add ``sigma * N(0, 1)``; the result may leave [0, 1].

    Args:
        sigma: Range of the standard deviation, drawn uniformly, where white is 255.
        gray_probability: How often all channels get the same noise.
    """

    def __init__(self, *, sigma: Range = (1.0, 30.0), gray_probability: float = 0.0) -> None:
        low, high = check_range("sigma", sigma, 0)
        self.sigma = (low / 255, high / 255)
        self.gray = check_share("gray_probability", gray_probability)

    def noise_level(self, params: NoiseParams) -> PerImage | None:
        return params.sigma

    def degrade(self, x: OneImage, sigma: float, gray: bool, seed: int) -> OneImage:
        (noise,) = ImageRng([seed]).normal(1 if gray else 3, *x.shape[1:])
        return x + sent_to(noise, x).mul_(sigma)
