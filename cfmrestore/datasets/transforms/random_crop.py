"""Random square crop."""

import numpy as np

from cfmrestore.datasets.transforms.base import Sample, Transform, crop, scale_of
from cfmrestore.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomCrop(Transform):
    """Cut a square of the target, and the same place of the input.

    Args:
        size: Side, in pixels of the target.
        small: What to do with an image smaller than that: "raise" names it, "reflect" mirrors it at its borders.
    """

    def __init__(self, *, size: int, small: str = "raise") -> None:
        if size < 1 or small not in ("raise", "reflect"):
            raise ValueError(f"need a positive size and small of 'raise' or 'reflect'; got {size=}, {small=}")
        self.size, self.small = size, small

    def __call__(self, sample: Sample, seed: int) -> Sample:
        scale = scale_of(sample)
        if self.size % scale:
            raise ValueError(f"a crop of {self.size} is no multiple of the scale {scale}: --cfg-options crop_size=N")
        if min(sample["high"].shape[:2]) < self.size:
            sample = self._enlarge(sample, scale)
        rng = np.random.default_rng(seed)
        spare = [(side - self.size) // scale for side in sample["high"].shape[:2]]
        top, left = (int(rng.integers(s + 1)) * scale for s in spare)
        return crop(sample, top, left, self.size, self.size)

    def _enlarge(self, sample: Sample, scale: int) -> Sample:
        if self.small == "raise":
            height, width = sample["high"].shape[:2]
            raise ValueError(
                f"{height}x{width} is smaller than the crop of {self.size}: take a smaller crop "
                "(--cfg-options crop_size=N), or RandomCrop's small='reflect'"
            )
        result = {}
        for part, pixels in sample.items():
            side = self.size // scale if part == "low" else self.size
            margins = [(0, max(side - n, 0)) for n in pixels.shape[:2]]
            result[part] = np.pad(pixels, [*margins, (0, 0)][: pixels.ndim], mode="symmetric")
        return result
