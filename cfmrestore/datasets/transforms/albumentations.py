"""Transforms of the albumentations package, applied to all images of a sample alike."""

from collections.abc import Sequence
from typing import Any

from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.degradations.albumentations import build_chain, run_chain
from cfmrestore.registry import TRANSFORMS

_NAMES = {"high": "image", "low": "low", "peer": "peer", "map": "mask"}


@TRANSFORMS.register_module()
class Albumentations(Transform):
    """A chain of albumentations' transforms, reseeded for every sample.

    A label map is that package's ``mask``: it is moved as the image is, to the nearest pixel, and keeps its indices
    where colors change. What a rotation or the like brings in from outside is class 0, unless its ``fill_mask`` says
    otherwise.

    Args:
        transforms: ``dict(type="HorizontalFlip", p=0.5)`` and so on, by the names of that package.
    """

    def __init__(self, *, transforms: Sequence[dict[str, Any]]) -> None:
        self.chain = build_chain(transforms, low="image", peer="image")

    def __call__(self, sample: Sample, seed: int) -> Sample:
        result = run_chain(self.chain, seed, **{_NAMES[part]: pixels for part, pixels in sample.items()})
        return {part: result[_NAMES[part]] for part in sample}
