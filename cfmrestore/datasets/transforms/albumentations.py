"""Any transforms of the albumentations package, applied to all images of a sample alike."""

import os
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.registry import TRANSFORMS, nearest


@TRANSFORMS.register_module()
class Albumentations(Transform):
    """A chain of albumentations' transforms, reseeded for every sample.

    Args:
        transforms: ``dict(type="HorizontalFlip", p=0.5)`` and so on, by the names of that package.
    """

    def __init__(self, *, transforms: Sequence[dict[str, Any]]) -> None:
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask a server for newer versions
        import albumentations

        steps = []
        for cfg in transforms:
            kind, keys = cfg.get("type", ""), {k: v for k, v in cfg.items() if k != "type"}
            cls = getattr(albumentations, kind, None)
            if cls is None:
                raise ValueError(f"albumentations has no {kind!r}; {nearest(kind, dir(albumentations))}")
            steps.append(cls(**keys))
        self.compose = albumentations.Compose(steps, additional_targets={"low": "image"}, is_check_shapes=False)

    def __call__(self, sample: Sample, seed: int) -> Sample:
        # One stream for the whole chain: with a seed, every transform would draw the same numbers.
        self.compose.set_random_state(np.random.default_rng(seed), random.Random(seed))
        names = {"high": "image", "low": "low"}
        result = self.compose(**{names[part]: pixels for part, pixels in sample.items()})
        return {part: result[names[part]] for part in sample}
