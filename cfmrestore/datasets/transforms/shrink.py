"""Shrinking of images that are larger than training needs."""

import numpy as np
from PIL import Image

from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.registry import TRANSFORMS


@TRANSFORMS.register_module()
class Shrink(Transform):
    """Bring the shorter side down to a size, without aliasing; smaller images stay as they are.

    Photographs that were compressed as JPEG lose the marks of it so, and become sharp at the pixel. Few photographs are
    seen at many sizes by a range, which may reach beyond their own.

    Args:
        size: The shorter side; of two, any between the first and the second, drawn for each image.
    """

    def __init__(self, *, size: int | tuple[int, int]) -> None:
        sizes = (size,) if isinstance(size, int) else tuple(size)
        least, most = sizes[0], sizes[-1]
        if len(sizes) > 2 or not 1 <= least <= most:
            raise ValueError(
                f"Shrink's size is 1 pixel or more, or two of which the first is the smaller; got {size}: where the "
                "first is the crop_size of a recipe, take a smaller crop, or a pipeline of your own"
            )
        self.least, self.most = least, most

    def __call__(self, sample: Sample, seed: int) -> Sample:
        if set(sample) != {"high"}:
            raise ValueError(f"Shrink is for photographs alone; these samples hold {', '.join(sorted(sample))}")
        image = Image.fromarray(sample["high"])
        size = int(np.random.default_rng(seed).integers(self.least, self.most + 1))
        scale = size / min(image.size)
        if scale >= 1:
            return sample
        width, height = (round(scale * side) for side in image.size)
        return {"high": np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))}
