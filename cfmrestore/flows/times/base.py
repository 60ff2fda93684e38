"""Time sampler base class: what every time sampler promises."""

from abc import ABC, abstractmethod

import torch

from cfmrestore.ops.rng import ImageRng
from cfmrestore.typing import PerImage, Seeds


class TimeSampler(ABC):
    """Draws one time an image, from its own generator and its place in the stream of draws.

    Args:
        zero_probability: How often the time is exactly 0, where a restoration in one evaluation looks; with 1 the flow
            is a regression.
    """

    def __init__(self, *, zero_probability: float = 0.0) -> None:
        if not 0 <= zero_probability <= 1:
            raise ValueError(f"zero_probability must lie in [0, 1]; got {zero_probability}")
        self.zero_probability = zero_probability

    @abstractmethod
    def draw(self, rng: ImageRng, number: Seeds) -> PerImage:
        """Times in [0, 1]."""

    def __call__(self, rng: ImageRng, number: Seeds) -> PerImage:
        t = self.draw(rng.fork("time"), number)
        zero = rng.fork("zero").uniform() < self.zero_probability
        return torch.where(zero, 0.0, t)
