"""Center crop, for evaluation."""

import math

from cfmrestore.datasets.transforms.base import Sample, Transform, crop, scale_of
from cfmrestore.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CenterCrop(Transform):
    """Cut the middle, at most of the given side and with sides that are multiples.

    Args:
        size: Largest side, in pixels of the target; None keeps all.
        multiple: What both sides of the result are multiples of; where a pair is cut, they are of its scale too.
    """

    def __init__(self, *, size: int | None = None, multiple: int = 1) -> None:
        self.size, self.multiple = size, multiple

    def __call__(self, sample: Sample, seed: int) -> Sample:
        sides = sample["high"].shape[:2]
        scale = scale_of(sample)
        height, width = (self._kept(side, scale) for side in sides)
        if not height or not width:
            m = math.lcm(self.multiple, scale)
            raise ValueError(f"{sides[0]}x{sides[1]} has no {m}x{m} pixels to keep")
        top, left = ((side - n) // 2 // scale * scale for side, n in zip(sides, (height, width), strict=True))
        return crop(sample, top, left, height, width)

    def _kept(self, side: int, scale: int) -> int:
        largest = min(side, self.size or side)
        if largest == side and side % self.multiple == 0:
            return side
        m = math.lcm(self.multiple, scale)
        return largest // m * m
