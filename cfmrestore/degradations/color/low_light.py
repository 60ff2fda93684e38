"""Low light: too short an exposure."""

from dataclasses import dataclass

from cfmrestore.degradations.base import ImageByImage, Range, check_range
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import OneImage, PerImage


@dataclass(frozen=True)
class LowLightParams:
    alpha: PerImage
    beta: PerImage
    gamma: PerImage


@DEGRADATIONS.register_module()
class LowLight(ImageByImage[LowLightParams]):
    r""":math:`y = \beta (\alpha x)^\gamma`: the light alone; the noise of dark photographs is another operator.

    Reference: Lv et al., 2021, Attention guided low-light image enhancement with a large scale low-light simulation
    dataset (arXiv:1908.00682), whose ranges are the defaults.

    Args:
        alpha: Range of the exposure, drawn uniformly.
        beta: Range of the brightness of what was white, drawn uniformly.
        gamma: Range of the exponent, drawn uniformly.
    """

    differentiable = True

    def __init__(self, *, alpha: Range = (0.9, 1.0), beta: Range = (0.5, 1.0), gamma: Range = (1.5, 5.0)) -> None:
        self.alpha = check_range("alpha", alpha, 0, 1)
        self.beta = check_range("beta", beta, 0, 1)
        self.gamma = check_range("gamma", gamma, 1e-3)

    def degrade(self, x: OneImage, alpha: float, beta: float, gamma: float) -> OneImage:
        # one by one: torch rounds a power differently at the end of what a thread gets
        return beta * (alpha * x.clamp_min(0)) ** gamma
