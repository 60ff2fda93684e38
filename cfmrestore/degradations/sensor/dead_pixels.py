"""Dead and hot pixels: sensor elements that always give the same value."""

from cfmrestore.degradations.base import Range, check_range, check_share
from cfmrestore.degradations.noise.salt_and_pepper import SaltAndPepper, StuckParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame


@DEGRADATIONS.register_module()
class DeadPixels(SaltAndPepper):
    """Elements at random places that are stuck at 0 (dead) or at 1 (hot).

    Args:
        dead: Range of the share of dead elements, drawn uniformly.
        hot: Range of the share of hot elements, drawn uniformly.
        gray_probability: How often all channels of a pixel fail together; else each by itself, as on a Bayer sensor.
    """

    def __init__(self, *, dead: Range = (0.0, 0.001), hot: Range = (0.0, 0.001), gray_probability: float = 0.0) -> None:
        self.dead, self.hot = check_range("dead", dead, 0, 0.5), check_range("hot", hot, 0, 0.5)
        self.gray_probability = check_share("gray_probability", gray_probability)

    def sample(self, frame: Frame, rng: ImageRng) -> StuckParams:
        dead = rng.uniform(low=self.dead[0], high=self.dead[1])
        hot = rng.uniform(low=self.hot[0], high=self.hot[1])
        return StuckParams(dead, hot, rng.uniform() < self.gray_probability, rng.new_seeds())
