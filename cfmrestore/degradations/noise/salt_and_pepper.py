"""Salt-and-pepper noise: pixels that are lost, black or white."""

from cfmrestore.degradations.base import Range, check_range, check_share
from cfmrestore.degradations.sensor.dead_pixels import DeadPixels, StuckParams
from cfmrestore.ops.rng import ImageRng
from cfmrestore.registry import DEGRADATIONS
from cfmrestore.typing import Frame


@DEGRADATIONS.register_module()
class SaltAndPepper(DeadPixels):
    """Replace pixels, each independently of the others, by white (salt) or black (pepper).

    Args:
        share: Range of the share of the pixels that are replaced, drawn uniformly.
        salt: Range of the share of white among them, drawn uniformly.
        gray_probability: How often whole pixels are replaced; else each channel by itself.
    """

    def __init__(self, *, share: Range = (0.005, 0.1), salt: Range = (0.5, 0.5), gray_probability: float = 0.5) -> None:
        self.share, self.salt = check_range("share", share, 0, 1), check_range("salt", salt, 0, 1)
        self.gray = check_share("gray_probability", gray_probability)

    def sample(self, frame: Frame, rng: ImageRng) -> StuckParams:
        share = rng.uniform(low=self.share[0], high=self.share[1])
        white = share * rng.uniform(low=self.salt[0], high=self.salt[1])
        return StuckParams(share - white, white, rng.uniform() < self.gray, rng.new_seeds())
