"""A weave in step with the blocks of a decoder."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from cfmrestore.evaluation.functional.grid_power import grid_power
from cfmrestore.evaluation.metrics.base import ImageMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class GridPower(ImageMetric):
    """What of the luma repeats with the period of a decoder's blocks, in decibels over what lies around it
    (:func:`grid_power`): the originals' own is 0.6 on Set14; where it is 3 more, one sees the weave in skin and sky.
    It is a ratio: in what is blurred it finds weaves that nobody sees, so compare pictures of one sharpness.

    Features of networks that stride take such a pattern for detail: distances in them fall with it, of sets too.

    Args:
        protocol: How images are compared; here the same for all.
        period: Of the pattern, in pixels: the encoder's factor, or 8 for JPEG.
    """

    higher_is_better = False
    needs_target = False

    def __init__(self, *, protocol: str = "classic_y", period: int = 4) -> None:
        super().__init__(protocol=protocol)
        if period < 2:
            raise ValueError(f"a pattern repeats each 2 pixels or more; got a period of {period}")
        self.period = period

    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del target, sample
        return grid_power(self.protocol.luma(image[None], 0)[0, 0], self.period)
