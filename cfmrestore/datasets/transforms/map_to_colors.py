"""A label map as a picture, beside it: what a path between maps and images starts at."""

from collections.abc import Sequence

import numpy as np

from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MapToColors(Transform):
    """Give each class its color: "low" from "map", which stays.

    Args:
        palette: An RGB color of 8 bits for each class.
    """

    def __init__(self, *, palette: Sequence[Sequence[int]]) -> None:
        colors = np.asarray(palette)
        if colors.ndim != 2 or colors.shape[1] != 3 or colors.min() < 0 or colors.max() > 255:
            raise ValueError(f"palette is an RGB color from 0 to 255 for each class; got {palette!r}")
        self.palette = colors.astype(np.uint8)

    def __call__(self, sample: Sample, seed: int) -> Sample:
        del seed
        if "map" not in sample:
            raise ValueError("MapToColors needs a label map, which this dataset does not have")
        if (highest := int(sample["map"].max())) >= len(self.palette):
            raise ValueError(f"the label map has the class {highest}; the palette has {len(self.palette)} colors")
        return {**sample, "low": self.palette[sample["map"]]}
