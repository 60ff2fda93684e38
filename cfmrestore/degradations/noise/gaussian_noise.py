"""White Gaussian noise, colored or gray."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from cfmrestore.degradations.base import Degradation, check_range
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image


@dataclass(frozen=True)
class NoiseParams:
    sigma: Float[Tensor, " b"]  # standard deviation, where white is 1
    gray: Bool[Tensor, " b"]  # the same noise in all channels
    seed: Int[Tensor, " b"]


@DEGRADATIONS.register_module()
class GaussianNoise(Degradation[NoiseParams]):
    """Add ``sigma * N(0, 1)``; the result may leave [0, 1].

    Args:
        sigma: Range of the standard deviation, drawn uniformly, where white is 255.
        gray_probability: How often all channels get the same noise.
    """

    params_type = NoiseParams

    def __init__(self, *, sigma: tuple[float, float] = (1.0, 30.0), gray_probability: float = 0.0) -> None:
        self.low, self.high = check_range("sigma", sigma, 0)
        if not 0 <= gray_probability <= 1:
            raise ValueError(f"need a probability; got {gray_probability=}")
        self.gray_probability = gray_probability

    def sample(self, frame: Frame, rng: ImageRng) -> NoiseParams:
        del frame
        sigma = rng.uniform(low=self.low / 255, high=self.high / 255)
        return NoiseParams(sigma, rng.uniform() < self.gray_probability, rng.new_seeds())

    def apply(self, image: Image, params: NoiseParams) -> Image:
        draws = zip(params.sigma.tolist(), params.gray.tolist(), params.seed.tolist(), strict=True)
        return stack_images(lambda x, draw: _noisy(x, *draw), image, draws)


def _noisy(x: Float[Tensor, "3 h w"], sigma: float, gray: bool, seed: int) -> Float[Tensor, "3 h w"]:
    (noise,) = ImageRng([seed]).normal(1 if gray else 3, *x.shape[1:])
    return x + noise.to(x).mul_(sigma)
