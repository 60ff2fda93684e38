"""Transform base class: what every transform promises, and the crop that keeps pairs together."""

from abc import ABC, abstractmethod
from typing import TypeAlias

import numpy as np

Sample: TypeAlias = dict[str, np.ndarray]
"""Images of 8 bits, (h, w, 3): "high"; "low" where it comes from a file, and "peer", what another model made of it, as
large as "high"; "map", (h, w), class indices of "high"."""


class Transform(ABC):
    """A function of the images and a seed: the same seed does the same to every image of the sample.

    A map goes where its image goes, and its indices are never mixed.
    """

    @abstractmethod
    def __call__(self, sample: Sample, seed: int) -> Sample:
        """The transformed images; the given ones are left as they are."""


def scale_of(sample: Sample) -> int:
    """Pixels of the target a pixel of the input; 1 where there is no input yet."""
    if "low" not in sample:
        return 1
    (height, width), (h, w) = sample["high"].shape[:2], sample["low"].shape[:2]
    scale = height // h if h else 0
    if scale < 1 or (h * scale, w * scale) != (height, width):
        raise ValueError(f"an input of {h}x{w} does not fit a target of {height}x{width} by a whole factor")
    return scale


def crop(sample: Sample, top: int, left: int, height: int, width: int) -> Sample:
    """Cut all images at the same place, given in pixels of the target and multiples of the scale."""
    scale = scale_of(sample)
    result = {}
    for part, pixels in sample.items():
        s = scale if part == "low" else 1
        result[part] = pixels[top // s : (top + height) // s, left // s : (left + width) // s]
    return result
