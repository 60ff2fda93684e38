"""How many pictures a classifier takes for what they were asked to be."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import torch
from torch import Tensor

from cfmrestore.evaluation.metrics.recognition import RecognitionMetric
from cfmrestore.registry import METRICS

_AT_THE_END = re.compile(r"_(\d+)$")


@METRICS.register_module()
class ClassAccuracy(RecognitionMetric):
    """The share of pictures whose class the classifier of a feature extractor recognizes, of the targets too.

    The class is the label of the sample, or the number at the end of its name, as in ``00017_3.png`` of
    ``tools/sample.py``. The targets' share is what the classifier makes of real pictures.

    Args:
        features: The feature extractor.
        weights: File with its weights, or its folder; without it, where they usually lie.
        protocol: Without influence.
    """

    @torch.no_grad()
    def measure(self, image: Tensor, target: Tensor | None, sample: Mapping[str, Any]) -> float:
        del target
        probabilities = self.space.extractor.probabilities(self.space.of(image, ""))
        return float(int(probabilities.argmax()) == label_of(sample, probabilities.shape[1]))


def label_of(sample: Mapping[str, Any], classes: int) -> int:
    """The class that a picture should have."""
    name = str(sample.get("name"))
    at_the_end = _AT_THE_END.search(PurePosixPath(name).stem)
    if "label" not in sample and at_the_end is None:
        raise ValueError(f"ClassAccuracy needs classes: {name!r} has no label, and no name like 00017_3.png")
    label = int(sample["label"]) if "label" in sample else int(at_the_end[1]) if at_the_end else -1
    if label >= classes:
        raise ValueError(f"{name!r} is of class {label}; the classifier has classes from 0 to {classes - 1}")
    return label
