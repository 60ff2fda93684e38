"""Times in the middle more often."""

from cfmrestore.flows.times.base import TimeSampler
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import TIME_SAMPLERS
from cfmrestore.typing import PerImage, Seeds


@TIME_SAMPLERS.register_module()
class LogitNormal(TimeSampler):
    r""":math:`\operatorname{logit}(t) \sim N(m, s^2)`.

    Reference: Esser et al., 2024, equation 19 (arXiv:2403.03206); time runs from source to data here, so the sign of m
    is the opposite.

    Args:
        mean: The mean m; positive moves the times towards the data.
        std: The standard deviation s.
        zero_probability: How often the time is exactly 0.
    """

    def __init__(self, *, mean: float = 0.0, std: float = 1.0, zero_probability: float = 0.0) -> None:
        super().__init__(zero_probability=zero_probability)
        if not std > 0:
            raise ValueError(f"std must be positive; got {std}")
        self.mean, self.std = mean, std

    def draw(self, rng: ImageRng, number: Seeds) -> PerImage:
        del number
        return (self.mean + self.std * rng.normal()).sigmoid()
