"""All times alike."""

from cfmrestore.flows.times.base import TimeSampler
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import TIME_SAMPLERS
from cfmrestore.typing import PerImage, Seeds


@TIME_SAMPLERS.register_module()
class Uniform(TimeSampler):
    r""":math:`t \sim U(0, 1)`."""

    def draw(self, rng: ImageRng, number: Seeds) -> PerImage:
        del number
        return rng.uniform()
