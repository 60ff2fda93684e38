"""All times alike, and evenly spread over every batch."""

import math

from cfmrestore.flows.times.base import TimeSampler
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import TIME_SAMPLERS
from cfmrestore.typing import PerImage, Seeds

_GOLDEN = (math.sqrt(5) - 1) / 2


@TIME_SAMPLERS.register_module()
class Stratified(TimeSampler):
    r"""The golden-ratio sequence :math:`t_n = n \varphi \bmod 1` over the draws of the run.

    Any N successive draws leave no gap larger than 1.9 / N (three-distance theorem), so a batch is stratified
    however it is divided into ranks and micro-batches; a draw's time depends on its number in the stream alone.
    """

    def draw(self, rng: ImageRng, number: Seeds) -> PerImage:
        del rng
        return (number.double().cpu() * _GOLDEN).remainder(1).float()
