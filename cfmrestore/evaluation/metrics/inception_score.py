"""Inception score."""

from typing import Any, ClassVar

from torch import Tensor

from cfmrestore.evaluation.functional.inception_score import inception_score
from cfmrestore.evaluation.metrics.set_metric import SetMetric
from cfmrestore.registry import METRICS


@METRICS.register_module()
class InceptionScore(SetMetric):
    """The Inception score over ten parts of the images (of fewer than ten images, over one)."""

    measures: ClassVar[dict[str, bool]] = {"IS": True}
    needs_target = False
    takes_reference = False
    min_features = 1

    def compare(self, target: Any, row: Tensor) -> tuple[float]:
        del target
        mean, _ = inception_score(self.extractor.probabilities(row), splits=10 if len(row) >= 10 else 1)
        return (mean,)
