"""Shrinking of images that are larger than training needs."""

import numpy as np
from PIL import Image

from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Shrink(Transform):
    """Bring the shorter side down to a size, without aliasing; smaller images stay as they are.

    Photographs that were compressed as JPEG lose the marks of it so, and become sharp at the pixel.

    Args:
        size: The shorter side.
    """

    def __init__(self, *, size: int) -> None:
        if size < 1:
            raise ValueError(f"size must be 1 pixel or more; got {size}")
        self.size = size

    def __call__(self, sample: Sample, seed: int) -> Sample:
        del seed
        if set(sample) != {"high"}:
            raise ValueError(f"Shrink is for photographs alone; these samples hold {', '.join(sorted(sample))}")
        image = Image.fromarray(sample["high"])
        scale = self.size / min(image.size)
        if scale >= 1:
            return sample
        width, height = (round(scale * side) for side in image.size)
        return {"high": np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))}
