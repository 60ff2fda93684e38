"""Handwritten digits that come with scikit-learn: classes without a download."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cfmrestore.datasets.base import ImageDataset
from cfmrestore.datasets.layouts import one_of
from cfmrestore.datasets.transforms.base import Sample, Transform
from cfmrestore.registry import DATASETS

_EVERY = 3  # of each class, the first of so many is held out


@DATASETS.register_module()
class Digits(ImageDataset):
    """1,797 digits of 8x8 pixels and 17 levels, as RGB from black to white; the label is the digit.

    Of each class every third is held out, the first and so on: 602 in all. Needs the package ``scikit-learn`` (extra
    ``digits``).

    Reference: Alpaydin and Kaynak, 1998, Optical recognition of handwritten digits, UCI Machine Learning Repository.

    Attributes are "thick", with more ink than the median of its class, and the digits by name.

    Args:
        split: "train", "held_out" or "all".
        pipeline: Transforms.
        seed: The run's seed; the runner gives it.
    """

    def __init__(
        self, *, split: str = "train", pipeline: Sequence[Transform | dict[str, Any]] = (), seed: int = 0
    ) -> None:
        super().__init__(pipeline=pipeline, seed=seed)
        one_of("split", split, ("train", "held_out", "all"))
        try:
            from sklearn.datasets import load_digits
        except ImportError:
            raise ValueError("Digits needs the package scikit-learn: pip install 'cfmrestore[digits]'") from None
        data = load_digits()
        labels = np.asarray(data.target)
        place = np.array([(labels[:n] == label).sum() for n, label in enumerate(labels)])  # among those of its class
        held_out = place % _EVERY == 0
        self.numbers = np.flatnonzero({"train": ~held_out, "held_out": held_out, "all": held_out | True}[split])
        self.images = np.round(data.images[self.numbers] * (255 / 16)).astype(np.uint8)
        self.labels = labels[self.numbers]
        self.metainfo = {"classes": tuple(str(name) for name in data.target_names)}
        ink = data.images.mean(axis=(1, 2)) / 16
        self.usual_ink = np.array([np.median(ink[labels == label]) for label in range(len(data.target_names))])
        self.thick = (ink > self.usual_ink[labels])[self.numbers]

    def __len__(self) -> int:
        return len(self.numbers)

    def name(self, index: int) -> str:
        return f"{self.numbers[index]:04d}"

    def parts(self, index: int, seed: int) -> Sample:
        del seed
        return {"high": np.repeat(self.images[index][..., None], 3, axis=2)}

    def label(self, index: int) -> int:
        return int(self.labels[index])

    def attributes(self, index: int) -> dict[str, bool | None]:
        own = str(self.labels[index])
        return {"thick": bool(self.thick[index]), **{name: name == own for name in self.metainfo["classes"]}}
