"""Low light: too short an exposure."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from cfmrestore.degradations.base import Degradation, check_range
from cfmrestore.ops.parallel import stack_images
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame, Image


@dataclass(frozen=True)
class LowLightParams:
    alpha: Float[Tensor, " b"]
    beta: Float[Tensor, " b"]
    gamma: Float[Tensor, " b"]


@DEGRADATIONS.register_module()
class LowLight(Degradation[LowLightParams]):
    r""":math:`y = \beta (\alpha x)^\gamma`: the light alone; the noise of dark photographs is another operator.

    Reference: Lv et al., 2021, Attention guided low-light image enhancement with a large scale low-light simulation
    dataset (arXiv:1908.00682), whose ranges are the defaults.

    Args:
        alpha: Range of the exposure, drawn uniformly.
        beta: Range of the brightness of what was white, drawn uniformly.
        gamma: Range of the exponent, drawn uniformly.
    """

    params_type = LowLightParams

    def __init__(
        self,
        *,
        alpha: tuple[float, float] = (0.9, 1.0),
        beta: tuple[float, float] = (0.5, 1.0),
        gamma: tuple[float, float] = (1.5, 5.0),
    ) -> None:
        self.alpha = check_range("alpha", alpha, 0, 1)
        self.beta = check_range("beta", beta, 0, 1)
        self.gamma = check_range("gamma", gamma, 1e-3)

    def sample(self, frame: Frame, rng: ImageRng) -> LowLightParams:
        del frame
        draws = [rng.uniform(low=low, high=high) for low, high in (self.alpha, self.beta, self.gamma)]
        return LowLightParams(*draws)

    def apply(self, image: Image, params: LowLightParams) -> Image:
        # One by one: torch rounds a power differently at the end of what a thread gets.
        numbers = (params.alpha.tolist(), params.beta.tolist(), params.gamma.tolist())
        return stack_images(_darken, image, *numbers)


def _darken(x: Float[Tensor, "3 h w"], alpha: float, beta: float, gamma: float) -> Float[Tensor, "3 h w"]:
    return beta * (alpha * x.clamp_min(0)) ** gamma
